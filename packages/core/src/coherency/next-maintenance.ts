// SPDX-License-Identifier: MIT
import { alignDown, alignUp } from "../address.ts";
import { Extents } from "../memory/extents.ts";
import { lineCover } from "../memory/line-cover.ts";
import type { AnalysisMachine } from "./analysis-machine.ts";
import { appendLines, appendRange, type LineNest, lineNest, type Piece, widestLine } from "./line-nest.ts";
import { LineSplitter } from "./line-splitter.ts";
import { lineCount, type MaintenanceCost } from "./maintenance-cost.ts";
import { MaintenanceSearch, type SearchStep } from "./maintenance-search.ts";
import type { AccessKind, MaintenanceKind, Operation } from "./operation.ts";
import { operationLine } from "./operation-log.ts";
import type { Domain, Route } from "./topology.ts";
import { Flag, type StateId, type TransitionTable } from "./transition-table.ts";

/** One maintenance operation that is owed, with the lines it is owed for. */
export interface MaintenanceStep {
  readonly kind: MaintenanceKind;
  readonly domain: Domain;
  readonly extents: Extents;
}

/** The cheapest maintenance before an access, and the bytes that nothing can save. */
export interface NextMaintenance {
  /** To be performed in this order; empty when nothing is owed. */
  readonly steps: readonly MaintenanceStep[];
  /** Lines for which no maintenance makes the access safe: a dirty, stale line cannot be saved. Null when none. */
  readonly hopeless: Extents | null;
}

/** A sequence of maintenance operations; null when none is safe. */
type Remedy = readonly SearchStep[] | null;

/** Lines whose remedies are the same operations, as flat pairs: those of each operation, and the widest ones of all. */
interface Owed {
  readonly operations: readonly Operation[];
  readonly lines: readonly number[][];
  readonly units: number[];
}

/** What is to be done about equal widest lines. */
interface Answer {
  readonly remedy: Remedy;
  readonly owed: Owed;
}

/**
 * The cheapest maintenance that makes an access safe now, knowing what every byte's state can be: what a kernel could
 * do at most when it hands a buffer from device to device, and the bound that other policies are compared with.
 * An access is safe when it cannot observe an older value and nothing can be lost by it, or after it by itself, of the
 * bytes and lines that it touches; maintenance is safe when it loses nothing. What was lost before is no reason to
 * refuse an access to other bytes.
 */
export function nextMaintenance(
  machine: AnalysisMachine,
  route: Route,
  kind: AccessKind,
  extents: Extents,
  cost: MaintenanceCost = lineCount,
): NextMaintenance {
  const { table, topology } = machine;
  const access = table.operations.access(kind, route);
  const width = widestLine(topology.domains);
  const answers = new Map<string | number, Answer>();
  const owed = new Map<string, Owed>();
  const answer = (pieces: readonly Piece[]): Answer => {
    const remedy = cheapestRemedy(table, lineNest(topology.domains, pieces), cost);
    const operations = (remedy ?? []).map(({ operation }) => operation);
    const name = remedy === null ? "hopeless" : operations.map(({ index }) => index).join();
    let entry = owed.get(name);
    if (entry === undefined) {
      entry = { operations, lines: operations.map(() => []), units: [] };
      owed.set(name, entry);
    }
    return { remedy, owed: entry };
  };
  forEachUnit(machine, access, extents, width, (pieces, start, end) => {
    const [first] = pieces as [Piece];
    const key =
      first.end - first.start === width
        ? first.kind
        : pieces.map((piece) => `${piece.start} ${piece.kind}`).join();
    let found = answers.get(key);
    if (found === undefined) {
      found = answer(pieces);
      answers.set(key, found);
    }
    const { remedy, owed: entry } = found;
    if (remedy === null) appendRange(entry.units, start, end);
    remedy?.forEach(({ nest }, i) => {
      appendLines(entry.lines[i] as number[], nest, start, end, width);
    });
  });
  const steps: MaintenanceStep[] = [];
  let hopeless: Extents | null = null;
  for (const { operations, lines, units } of owed.values()) {
    if (units.length > 0) hopeless = new Extents(Float64Array.from(units));
    operations.forEach((operation, i) => {
      const own = new Extents(Float64Array.from(lines[i] as number[]));
      steps.push({
        kind: operation.kind as MaintenanceKind,
        domain: operation.domain as Domain,
        extents: own,
      });
    });
  }
  return { steps, hopeless };
}

/** A piece's kind says which state its bytes are in, and by which column the access touches them, or -1. */
const kindOf = (table: TransitionTable, state: StateId, column: number): number =>
  state * (2 * table.operations.operations.length + 1) + column + 1;

function cheapestRemedy(table: TransitionTable, nest: LineNest, cost: MaintenanceCost): Remedy {
  const columns = 2 * table.operations.operations.length + 1;
  const search = new MaintenanceSearch(table, cost, Flag.discards | Flag.overwrites);
  const ways = search.maintain(
    nest,
    search.start(nest, (kind) => Math.floor(kind / columns)),
    0,
  );
  const safe = search.access(nest, ways, (kind) => (kind % columns) - 1);
  return safe === null ? null : search.steps(nest, safe.cheapest);
}

/** Visits the widest lines that the access touches, ascending: runs of equal ones at once. */
function forEachUnit(
  machine: AnalysisMachine,
  access: Operation,
  extents: Extents,
  width: number,
  visit: (pieces: readonly Piece[], start: number, end: number) => void,
): void {
  const { table } = machine;
  const own = lineCover(extents, operationLine(access));
  const columnAt = [
    new Walk(own.inRange, table.column(access, false)),
    new Walk(own.neighbours, table.column(access, true)),
  ];
  const splitter = new LineSplitter(width, visit);
  let done = 0;
  for (let i = 0; i < own.inRange.length; i += 2) {
    const low = Math.max(alignDown(own.inRange[i] as number, width), done);
    done = Math.max(low, alignUp(own.inRange[i + 1] as number, width));
    if (low === done) continue;
    machine.forEachState(low, done, (state, start, end) => {
      for (let at = start; at < end; ) {
        const walk = columnAt.find((each) => each.contains(at));
        const stop = Math.min(end, walk?.end ?? Math.min(...columnAt.map((each) => each.next)));
        splitter.add(at, stop, kindOf(table, state, walk?.column ?? -1));
        at = stop;
      }
    });
  }
  splitter.finish();
}

/** Goes once through ascending pairs, with addresses that never descend. */
class Walk {
  readonly column: number;
  readonly #pairs: Float64Array;
  #at = 0;

  constructor(pairs: Float64Array, column: number) {
    this.#pairs = pairs;
    this.column = column;
  }

  contains(address: number): boolean {
    while (this.#at < this.#pairs.length && (this.#pairs[this.#at + 1] as number) <= address) this.#at += 2;
    return (this.#pairs[this.#at] ?? Number.POSITIVE_INFINITY) <= address;
  }

  /** Where the pair that holds the address last asked for ends. */
  get end(): number {
    return this.#pairs[this.#at + 1] as number;
  }

  /** Where the first pair after the address last asked for begins. */
  get next(): number {
    return this.#pairs[this.#at] ?? Number.POSITIVE_INFINITY;
  }
}
