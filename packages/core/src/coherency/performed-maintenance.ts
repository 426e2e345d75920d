// SPDX-License-Identifier: MIT
import { lineCover } from "../memory/line-cover.ts";
import { lineGroups } from "./history.ts";
import { lineCount, type MaintenanceCost } from "./maintenance-cost.ts";
import type { MaintenanceKind, Operation } from "./operation.ts";
import type { OperationLog, Touch } from "./operation-log.ts";
import type { Domain } from "./topology.ts";
import { Flag, type StateId, type TransitionTable } from "./transition-table.ts";

/** The maintenance that a run did. */
export interface PerformedMaintenance {
  readonly ops: number;
  /** Bytes of the lines worked through. */
  readonly bytes: number;
  /** Total by the cost function, which is ns when that is. */
  readonly cost: number;
}

/** What the maintenance of one step of the log costs; zero for an access. */
export function maintenanceOf(log: OperationLog, step: number, cost: MaintenanceCost): PerformedMaintenance {
  const { route, kind, domain } = log.operation(step);
  if (route !== null) return { ops: 0, bytes: 0, cost: 0 };
  const total = log.total(step);
  if (total !== null) return { ops: 1, ...total };
  const { lines } = lineCover(log.extents(step), (domain as Domain).line);
  return {
    ops: 1,
    bytes: lines * (domain as Domain).line,
    cost: lines * cost(kind as MaintenanceKind, domain as Domain),
  };
}

/** The sum over a whole log. */
export function performedMaintenance(
  log: OperationLog,
  cost: MaintenanceCost = lineCount,
): PerformedMaintenance {
  const sum = { ops: 0, bytes: 0, cost: 0 };
  for (let step = 0; step < log.length; step++) {
    const one = maintenanceOf(log, step, cost);
    sum.ops += one.ops;
    sum.bytes += one.bytes;
    sum.cost += one.cost;
  }
  return sum;
}

/**
 * The steps of a log whose maintenance changes no verdict: take one of them out, and every access of every byte finds
 * just what it did, the same operations put data in danger, and the same bytes are in danger at the end. Each is needless
 * by itself; two that do the same work are both listed, and taking out both may change something. Data that an invalidate
 * drops counts where it is read, as in the run.
 */
export function needlessMaintenance(table: TransitionTable, log: OperationLog): readonly number[] {
  const needed = new Set<number>();
  const candidates = new Set<number>();
  for (let step = 0; step < log.length; step++) if (log.operation(step).route === null) candidates.add(step);
  if (candidates.size === 0) return [];
  for (const { histories } of lineGroups(log, 1)) {
    for (const history of histories) markNeeded(table, history, needed);
  }
  return [...candidates].filter((step) => !needed.has(step));
}

/** Where a byte is in its history: what it can be in, and the step that may have dropped its newest value, or -1. */
interface Position {
  readonly state: StateId;
  readonly discardedAt: number;
}

function after(table: TransitionTable, { state, discardedAt }: Position, { step, column }: Touch): Position {
  const operation = table.operations.operations[column >>> 1] as Operation;
  const written = operation.kind === "write" && column % 2 === 0;
  const kept = written ? -1 : discardedAt;
  const discards = (table.flags(state, column) & Flag.discards) !== 0;
  return { state: table.next(state, column), discardedAt: discards ? step : kept };
}

/** What a touch reports from a position: -1 for nothing. */
function reported(table: TransitionTable, { state, discardedAt }: Position, { column }: Touch): number {
  const flags = table.flags(state, column) & (Flag.stale | Flag.overwrites);
  if (flags === 0) return -1;
  return flags & Flag.stale ? flags + 8 * (discardedAt + 1) : flags;
}

function markNeeded(table: TransitionTable, history: readonly Touch[], needed: Set<number>): void {
  const positions: Position[] = [{ state: table.initial, discardedAt: -1 }];
  for (const touch of history) positions.push(after(table, positions.at(-1) as Position, touch));
  history.forEach((removed, at) => {
    const operation = table.operations.operations[removed.column >>> 1] as Operation;
    if (operation.route !== null || needed.has(removed.step)) return;
    let without = positions[at] as Position;
    let differs = reported(table, without, removed) !== -1;
    for (let k = at + 1; !differs; k++) {
      const own = positions[k] as Position;
      if (without.state === own.state && without.discardedAt === own.discardedAt) break;
      const touch = history[k];
      if (touch === undefined) {
        differs = table.endangered(without.state) !== table.endangered(own.state);
        break;
      }
      differs = reported(table, without, touch) !== reported(table, own, touch);
      without = after(table, without, touch);
    }
    if (differs) needed.add(removed.step);
  });
}
