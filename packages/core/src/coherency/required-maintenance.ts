// SPDX-License-Identifier: MIT
import { Extents } from "../memory/extents.ts";
import { type LineGroup, lineGroups } from "./history.ts";
import { appendLines, type LineNest, lineNest, widestLine } from "./line-nest.ts";
import { lineCount, type MaintenanceCost } from "./maintenance-cost.ts";
import { MaintenanceSearch, type SearchStep, type Ways } from "./maintenance-search.ts";
import type { MaintenanceKind, Operation } from "./operation.ts";
import type { OperationLog } from "./operation-log.ts";
import type { Domain } from "./topology.ts";
import { Flag, type TransitionTable } from "./transition-table.ts";

/** One maintenance operation of the cheapest placement. */
export interface Placement {
  /** Step of the log before which it is done. */
  readonly before: number;
  readonly kind: MaintenanceKind;
  readonly domain: Domain;
  /** The lines that need it, in several lists without a line in common. */
  readonly extents: readonly Extents[];
  /** Bytes of these lines. */
  readonly bytes: number;
}

/** The cheapest maintenance that makes a whole run right. */
export interface RequiredMaintenance {
  /** In the order in which they are to be done. */
  readonly placements: readonly Placement[];
  /** Bytes of all placements. */
  readonly bytes: number;
  /** Total by the cost function, which is ns when that is. */
  readonly cost: number;
  /** Steps of the log whose access no maintenance makes safe, ascending: what they need is not part of the rest. */
  readonly hopeless: readonly number[];
}

/** The accesses of a group in order: for each step, the column by which it touches each kind of byte, or -1. */
interface Access {
  readonly step: number;
  readonly columns: readonly number[];
}

/** A placement that is being put together from several groups. */
interface Draft {
  readonly operation: Operation;
  readonly extents: Extents[];
}

/**
 * The cheapest placement of maintenance over a recorded run, whatever maintenance the run performed: a shortest path
 * over states and steps, for each group of lines with equal histories. Any operation may be done before any access; an
 * access must not observe an older value, and nothing may be written back over the newest one. Data may be dropped that
 * nobody reads before it is written again; among equally cheap placements one that drops the least is taken. Where an
 * exclusive domain takes what a speculating one in front of it drops, an old line can dodge every invalidate: such an
 * access is hopeless.
 */
export function requiredMaintenance(
  table: TransitionTable,
  log: OperationLog,
  cost: MaintenanceCost = lineCount,
): RequiredMaintenance {
  const { domains } = table.topology;
  const width = widestLine(domains);
  const search = new MaintenanceSearch(table, cost, Flag.overwrites);
  const drafts = new Map<number, Draft[]>();
  const hopeless = new Set<number>();
  let total = 0;
  for (const group of lineGroups(log, width, ({ route }) => route !== null)) {
    const nest = lineNest(domains, group.pieces);
    let ways = search.start(nest, () => table.initial);
    for (const { step, columns } of accessesOf(group)) {
      const maintained = search.maintain(nest, ways, step);
      const columnOf = (kind: number): number => columns[kind] as number;
      // Cleaning and invalidating every domain before every access makes it safe, but for exclusive ones.
      const safe: Ways | null = search.access(nest, maintained, columnOf);
      if (safe === null) hopeless.add(step);
      ways = safe ?? search.accessUnsafely(nest, maintained, columnOf);
    }
    total += (ways.cheapest.cost * sizeOf(group)) / width;
    place(search.steps(nest, ways.cheapest), group, width, drafts);
  }
  const placements = [...drafts]
    .sort(([a], [b]) => a - b)
    .flatMap(([before, each]) =>
      each.map(({ operation, extents }) => ({
        before,
        kind: operation.kind as MaintenanceKind,
        domain: operation.domain as Domain,
        extents,
        bytes: extents.reduce((sum, { bytes }) => sum + bytes, 0),
      })),
    );
  const bytes = placements.reduce((sum, placement) => sum + placement.bytes, 0);
  return { placements, bytes, cost: total, hopeless: [...hopeless].sort((a, b) => a - b) };
}

function sizeOf({ ranges }: LineGroup): number {
  let bytes = 0;
  for (let i = 0; i < ranges.length; i += 2) bytes += (ranges[i + 1] as number) - (ranges[i] as number);
  return bytes;
}

/** Adds a group's maintenance to what others need before the same steps, keeping the order of each. */
function place(
  steps: readonly SearchStep[],
  group: LineGroup,
  width: number,
  drafts: Map<number, Draft[]>,
): void {
  const extents = new Map<LineNest, Extents>();
  let last = -1;
  let step = -1;
  for (const { before, operation, nest } of steps) {
    let lines = extents.get(nest);
    if (lines === undefined) {
      const pairs: number[] = [];
      for (let i = 0; i < group.ranges.length; i += 2) {
        appendLines(pairs, nest, group.ranges[i] as number, group.ranges[i + 1] as number, width);
      }
      lines = new Extents(Float64Array.from(pairs));
      extents.set(nest, lines);
    }
    let own = drafts.get(before);
    if (own === undefined) {
      own = [];
      drafts.set(before, own);
    }
    if (before !== step) last = -1;
    step = before;
    const shared = own.findIndex((draft, i) => i >= last && draft.operation === operation);
    if (shared < 0) own.splice(++last, 0, { operation, extents: [lines] });
    else {
      own[shared]?.extents.push(lines);
      last = shared;
    }
  }
}

function accessesOf({ histories }: LineGroup): Access[] {
  const byStep = new Map<number, number[]>();
  histories.forEach((history, kind) => {
    for (const { step, column } of history) {
      let columns = byStep.get(step);
      if (columns === undefined) {
        columns = new Array<number>(histories.length).fill(-1);
        byStep.set(step, columns);
      }
      columns[kind] = column;
    }
  });
  return [...byStep].sort((a, b) => a[0] - b[0]).map(([step, columns]) => ({ step, columns }));
}
