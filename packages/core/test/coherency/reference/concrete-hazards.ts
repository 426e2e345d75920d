// SPDX-License-Identifier: MIT
import type { Hazard, LitmusProgram } from "../../../src/coherency.ts";
import { touchedMask } from "./cheapest-maintenance.ts";
import { addressesOf, runConcretely } from "./concrete-run.ts";
import { addressesIn } from "./perform.ts";

/** Hazards as words: code, step and reading step, each with its addresses, ascending. */
export type HazardReport = Readonly<Record<string, readonly number[]>>;

const code = (name: Hazard["code"], step: number, readBy: number | null = null): string =>
  `${name} at ${step}${readBy === null ? "" : ` read by ${readBy}`}`;

function sorted(report: Map<string, number[]>): HazardReport {
  const entries = [...report].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, bytes]) => [key, bytes.sort((a, b) => a - b)]));
}

/** What the analysis machine reported, in these words. */
export function reportOf(hazards: readonly Hazard[]): HazardReport {
  const report = new Map<string, number[]>();
  for (const hazard of hazards) {
    report.set(code(hazard.code, hazard.step, hazard.readBy), addressesIn(hazard.ranges));
  }
  return sorted(report);
}

/** The hazards of a run by their definition, from exploring every execution of the concrete machine. */
export function concreteHazards(program: LitmusProgram): HazardReport {
  const report = new Map<string, number[]>();
  const add = (key: string, addresses: number[]): void => {
    if (addresses.length > 0) report.set(key, [...(report.get(key) ?? []), ...addresses]);
  };
  for (const unit of runConcretely(program)) {
    const { exploration, steps } = unit;
    const discardedAt = new Map<number, number>();
    for (const { step, operation, before, transition } of steps) {
      const { kind } = operation;
      add(code("stale-read", step), addressesOf(unit, transition.stale));
      for (const address of addressesOf(unit, transition.stale)) {
        const discard = discardedAt.get(address);
        if (discard !== undefined) add(code("discarded-data", discard, step), [address]);
      }
      const waiting = exploration.endangered(transition.next) & touchedMask(exploration, operation);
      const news = kind === "write" ? waiting : waiting & ~exploration.endangered(before);
      add(
        code("lost-write", step),
        addressesOf(unit, kind === "invalidate" ? news : news | transition.breaks),
      );
      if (kind === "invalidate") {
        for (const address of addressesOf(unit, transition.breaks)) discardedAt.set(address, step);
      }
      if (kind === "write") {
        for (let byte = operation.start; byte < operation.end; byte++)
          discardedAt.delete(unit.address + byte);
      }
    }
  }
  return sorted(report);
}
