// SPDX-License-Identifier: MIT
import type { MaintenanceKind } from "../../../src/coherency.ts";
import type { ConcreteOperation } from "./concrete-machine.ts";
import type { UnitRun } from "./concrete-run.ts";
import type { Exploration, SetId } from "./exploration.ts";

/** What an operation on one line of a domain costs. */
export type ConcreteCost = (kind: MaintenanceKind, domain: number) => number;

/** What an operation has to be free of. */
interface Rules {
  /** Whether an invalidate may drop the only copy of the newest value. */
  readonly discards: boolean;
}

/** Every maintenance operation on every single line. */
function* lineMaintenance({ machine }: Exploration): Generator<ConcreteOperation> {
  for (const [domain, { line }] of machine.domains.entries()) {
    for (let start = 0; start < machine.size; start += line) {
      for (const kind of ["clean", "invalidate", "flush"] as const) {
        yield { kind, route: null, domain, start, end: start + line };
      }
    }
  }
}

/** The set after maintenance, or null where that is harmful. */
function maintained(
  exploration: Exploration,
  set: SetId,
  operation: ConcreteOperation,
  { discards }: Rules,
): SetId | null {
  const { next, breaks } = exploration.after(set, operation);
  if (breaks !== 0 && !(discards && operation.kind === "invalidate")) return null;
  return (exploration.endangered(next) & ~exploration.endangered(set)) === 0 ? next : null;
}

/** Cheapest costs of all sets that harmless maintenance leads to from some sets with costs. */
function spread(
  exploration: Exploration,
  from: ReadonlyMap<SetId, number>,
  cost: ConcreteCost,
  rules: Rules,
): Map<SetId, number> {
  const best = new Map(from);
  const open = new Set(from.keys());
  for (const set of open) {
    open.delete(set);
    const own = best.get(set) as number;
    for (const operation of lineMaintenance(exploration)) {
      const next = maintained(exploration, set, operation, rules);
      if (next === null) continue;
      const through = own + cost(operation.kind as MaintenanceKind, operation.domain);
      if (through >= (best.get(next) ?? Number.POSITIVE_INFINITY)) continue;
      best.set(next, through);
      open.add(next);
    }
  }
  return best;
}

/** Bytes of the lines that an operation touches. */
export function touchedMask({ machine }: Exploration, { domain, start, end }: ConcreteOperation): number {
  const line = machine.domains[domain]?.line ?? 1;
  let mask = 0;
  for (let byte = 0; byte < machine.size; byte++) {
    if (byte - (byte % line) < end && byte - (byte % line) + line > start) mask |= 1 << byte;
  }
  return mask;
}

/** The set after an access, or null when it can go wrong for the bytes and lines that it touches. */
export function afterSafeAccess(
  exploration: Exploration,
  set: SetId,
  access: ConcreteOperation,
): SetId | null {
  const { next, stale, breaks } = exploration.after(set, access);
  const waiting = exploration.endangered(next) & touchedMask(exploration, access);
  return stale === 0 && breaks === 0 && waiting === 0 ? next : null;
}

/** What the cheapest maintenance costs that makes an access safe now and loses nothing; null when there is none. */
export function cheapestBefore(
  exploration: Exploration,
  set: SetId,
  access: ConcreteOperation,
  cost: ConcreteCost,
): number | null {
  let cheapest: number | null = null;
  for (const [each, price] of spread(exploration, new Map([[set, 0]]), cost, { discards: false })) {
    if (afterSafeAccess(exploration, each, access) === null) continue;
    if (cheapest === null || price < cheapest) cheapest = price;
  }
  return cheapest;
}

/**
 * What the cheapest maintenance costs that makes all accesses of a unit safe; its own maintenance is left out. Accesses
 * that nothing makes safe are not counted; their steps are in `hopeless`.
 */
export function cheapestOverall(
  { exploration, steps }: UnitRun,
  cost: ConcreteCost,
): { cost: number; hopeless: number[] } {
  const hopeless: number[] = [];
  let costs = new Map<SetId, number>([[exploration.initial, 0]]);
  for (const { step, operation } of steps) {
    if (operation.route === null) continue;
    const maintained = spread(exploration, costs, cost, { discards: true });
    const reach = (through: (set: SetId) => SetId | null): Map<SetId, number> => {
      const reached = new Map<SetId, number>();
      for (const [set, price] of maintained) {
        const next = through(set);
        if (next === null) continue;
        reached.set(next, Math.min(price, reached.get(next) ?? Number.POSITIVE_INFINITY));
      }
      return reached;
    };
    costs = reach((set) => afterSafeAccess(exploration, set, operation));
    if (costs.size > 0) continue;
    hopeless.push(step);
    costs = reach((set) => exploration.after(set, operation).next);
  }
  return { cost: Math.min(...costs.values()), hopeless };
}
