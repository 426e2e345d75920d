// SPDX-License-Identifier: MIT
import { type ByteState, initialByteState, isLost } from "./byte-state.ts";
import type { Touch } from "./operation-log.ts";
import type { Choice } from "./passage.ts";
import { type EventKind, spontaneousEvents } from "./spontaneous-event.ts";
import type { StateId, TransitionTable } from "./transition-table.ts";

/**
 * One step of a witness: an operation of the log, or something that hardware did by itself. `choices` says what domains
 * did that may take a line in or let it pass, in the order in which they were asked; it is empty for most steps.
 */
export type WitnessStep =
  | { readonly kind: "operation"; readonly step: number; readonly choices: readonly Choice[] }
  | {
      readonly kind: "event";
      readonly event: EventKind;
      readonly domain: string;
      readonly choices: readonly Choice[];
    };

/** What a witness has to show at its last operation. */
export interface WitnessGoal {
  /** `stale`: the last operation reads an older value. `lost`: at or after it, the newest value exists nowhere. */
  readonly kind: "stale" | "lost";
  /** Step at which the newest value must be dropped on the way, for data that an invalidate discards. */
  readonly discardedAt?: number;
}

/**
 * How far before the hazard a shorter beginning is looked for, in operations that touch the byte, once there is one: a
 * line that is never evicted may have become stale any time ago.
 */
const HORIZON = 512;

/** The cheapest way on from a state. */
interface Move {
  readonly next: ByteState;
  /** Null when the operation is performed. */
  readonly event: { readonly event: EventKind; readonly domain: string } | null;
  readonly choices: readonly Choice[];
}

/** Costs and moves for the states before one operation, or after the last. */
interface Layer {
  readonly cost: Map<ByteState, number>;
  readonly move: Map<ByteState, Move>;
}

/**
 * The shortest sequence of operations and spontaneous events that realises a hazard for one byte, or null when none
 * does. It starts at the latest point from which it is shortest, where memory holds the newest value and nobody caches
 * the byte, and it leaves out operations which do nothing to the byte on this path: replayed on a fresh data machine it
 * shows the hazard.
 *
 * @param touches every operation on the byte's line from the beginning; the last one runs into the hazard.
 */
export function findWitness(
  table: TransitionTable,
  touches: readonly Touch[],
  goal: WitnessGoal,
): readonly WitnessStep[] | null {
  const sets = reachableSets(table, touches);
  const last = touches.length - 1;
  const layers: Layer[] = new Array(touches.length + 1);
  layers[last + 1] = finalLayer(table, sets[last + 1] as StateId, goal);
  let best: { from: number; cost: number } | null = null;
  for (let from = last; from >= 0 && (best === null || last - from <= HORIZON); from--) {
    layers[from] = layerBefore(
      table,
      sets[from] as StateId,
      touches[from] as Touch,
      layers[from + 1] as Layer,
      {
        goal,
        isLast: from === last,
      },
    );
    const cost = layers[from]?.cost.get(initialByteState);
    if (cost !== undefined && (best === null || cost < best.cost)) best = { from, cost };
  }
  return best === null ? null : unfold(touches, layers, best.from);
}

function reachableSets(table: TransitionTable, touches: readonly Touch[]): StateId[] {
  const sets = [table.initial];
  for (const { column } of touches) sets.push(table.next(sets.at(-1) as StateId, column));
  return sets;
}

function finalLayer(table: TransitionTable, set: StateId, goal: WitnessGoal): Layer {
  const { domains } = table.topology;
  const layer: Layer = { cost: new Map(), move: new Map() };
  for (const state of table.states(set)) {
    if (goal.kind === "stale" || isLost(state, domains)) layer.cost.set(state, 0);
  }
  relax(table, table.states(set), layer);
  return layer;
}

function layerBefore(
  table: TransitionTable,
  set: StateId,
  touch: Touch,
  after: Layer,
  { goal, isLast }: { goal: WitnessGoal; isLast: boolean },
): Layer {
  const { domains } = table.topology;
  const layer: Layer = { cost: new Map(), move: new Map() };
  for (const state of table.states(set)) {
    const lostBefore = isLost(state, domains);
    for (const outcome of table.outcomes(state, touch.column)) {
      if (isLast && goal.kind === "stale" && !outcome.stale) continue;
      // What was lost before is no hazard of this operation, unless it writes the byte and so makes a newer value.
      if (isLast && goal.kind === "lost" && lostBefore && isLost(outcome.state, domains)) continue;
      if (touch.step === goal.discardedAt && (lostBefore || !isLost(outcome.state, domains))) continue;
      const rest = after.cost.get(outcome.state);
      if (rest === undefined) continue;
      const cost = rest + (isLast || outcome.state !== state ? 1 : 0);
      if (cost < (layer.cost.get(state) ?? Number.POSITIVE_INFINITY)) {
        layer.cost.set(state, cost);
        layer.move.set(state, { next: outcome.state, event: null, choices: outcome.choices });
      }
    }
  }
  relax(table, table.states(set), layer);
  return layer;
}

/** Lets spontaneous events happen where they lead to something cheaper. */
function relax(table: TransitionTable, states: readonly ByteState[], { cost, move }: Layer): void {
  for (let changed = true; changed; ) {
    changed = false;
    for (const state of states) {
      for (const { event, domain, state: next, choices } of spontaneousEvents(
        state,
        table.topology.domains,
      )) {
        const through = (cost.get(next) ?? Number.POSITIVE_INFINITY) + 1;
        if (through < (cost.get(state) ?? Number.POSITIVE_INFINITY)) {
          cost.set(state, through);
          move.set(state, { next, event: { event, domain: domain.name }, choices });
          changed = true;
        }
      }
    }
  }
}

function unfold(touches: readonly Touch[], layers: readonly Layer[], from: number): WitnessStep[] {
  const steps: WitnessStep[] = [];
  let state = initialByteState;
  let at = from;
  for (;;) {
    const move = layers[at]?.move.get(state);
    if (move === undefined) return steps;
    const { next, event, choices } = move;
    if (event !== null) steps.push({ kind: "event", ...event, choices });
    else {
      const isLast = at === touches.length - 1;
      if (isLast || next !== state)
        steps.push({ kind: "operation", step: (touches[at] as Touch).step, choices });
      at++;
    }
    state = next;
  }
}

/**
 * The state in which a witness leaves its byte, as far as it is given.
 *
 * @param touches every operation on the byte's line, as they were given to {@link findWitness}.
 */
export function stateAlong(
  table: TransitionTable,
  touches: readonly Touch[],
  witness: readonly WitnessStep[],
): ByteState {
  const columns = new Map(touches.map(({ step, column }) => [step, column]));
  let state = initialByteState;
  for (const step of witness) {
    const ways =
      step.kind === "operation"
        ? table.outcomes(state, columns.get(step.step) ?? 0)
        : spontaneousEvents(state, table.topology.domains).filter(
            ({ event, domain }) => event === step.event && domain.name === step.domain,
          );
    state = ways.find(({ choices }) => isSame(choices, step.choices))?.state ?? state;
  }
  return state;
}

const isSame = (some: readonly Choice[], others: readonly Choice[]): boolean =>
  some.length === others.length &&
  some.every(
    ({ domain, allocates }, i) => domain === others[i]?.domain && allocates === others[i]?.allocates,
  );
