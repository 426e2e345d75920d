// SPDX-License-Identifier: MIT
import { alignDown, alignUp } from "../address.ts";
import { isStacked } from "./domain-stack.ts";
import { forEachUnordered } from "./litmus-order.ts";
import type { TimedLitmusProgram } from "./litmus-program.ts";
import type { Operation } from "./operation.ts";
import { operationLine } from "./operation-log.ts";

/** An operation and the bytes that it is about: a half-open range. */
export interface RangedOperation {
  readonly operation: Operation;
  readonly start: number;
  readonly end: number;
}

/** What two operations conflict about, or null: their order does not matter. */
export type Conflict = "bytes" | "line" | "maintenance";

/**
 * Whether the order of two operations matters, and why: a common byte that one of them writes; a common line, through
 * which a write carries its neighbours along; or lines that maintenance moves. Where their domains have lines of
 * different size, the larger counts.
 */
export function conflictOf(first: RangedOperation, second: RangedOperation): Conflict | null {
  const a = first.operation;
  const b = second.operation;
  if (a.route !== null && b.route !== null) {
    if (a.kind === "read" && b.kind === "read") return null;
    if (first.start < second.end && second.start < first.end) return "bytes";
    const cached = a.route.kind === "cached" && b.route.kind === "cached" && a.domain === b.domain;
    const direct = a.domain === null && b.domain === null;
    return !cached && !direct && shareLine(first, second) ? "line" : null;
  }
  if (!shareLine(first, second)) return null;
  if (a.route === null && b.route === null) {
    if (a.kind === "clean" && b.kind === "clean" && !isStacked(a.domain, b.domain)) return null;
    const alike = (a.kind === "invalidate") === (b.kind === "invalidate");
    return a.domain === b.domain && alike ? null : "maintenance";
  }
  const [access, maintenance] = a.route === null ? [b, a] : [a, b];
  const harmless =
    maintenance.kind === "clean" &&
    access.kind === "read" &&
    access.route?.kind === "cached" &&
    access.domain === maintenance.domain;
  return harmless ? null : "maintenance";
}

function shareLine(first: RangedOperation, second: RangedOperation): boolean {
  const line = Math.max(operationLine(first.operation), operationLine(second.operation));
  return (
    alignDown(first.start, line) < alignUp(second.end, line) &&
    alignDown(second.start, line) < alignUp(first.end, line)
  );
}

/** Two steps that nothing orders although their order matters. */
export interface LitmusRace {
  /** The earlier one in the file. */
  readonly first: number;
  readonly second: number;
  readonly conflict: Conflict;
}

/**
 * The races of a program, ascending: pairs of steps on different timelines that conflict and that no chain of fences
 * orders. `operations` has, for each step, what it does; undefined for a signal and a wait.
 */
export function litmusRaces(
  program: TimedLitmusProgram,
  operations: readonly (RangedOperation | undefined)[],
): LitmusRace[] {
  const races: LitmusRace[] = [];
  forEachUnordered(program, (first, second) => {
    const a = operations[first];
    const b = operations[second];
    if (a === undefined || b === undefined) return;
    const conflict = conflictOf(a, b);
    if (conflict !== null) races.push({ first, second, conflict });
  });
  return races.sort((a, b) => a.first - b.first || a.second - b.second);
}
