// SPDX-License-Identifier: MIT
import { Lottery } from "./lottery.ts";

/**
 * Who runs next when several are due; plain data, so that a schedule can be written down and run again.
 *
 * - `first-come`: in the order in which they became due. The default.
 * - `random`: any of them, by the seed.
 * - `pct`: probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi and Nagarakatte, ASPLOS 2010): timelines get random
 *   priorities, the highest that is due runs, and at `depth` - 1 random ones of the first `steps` choices the one that
 *   would run drops below all others. With n timelines and k choices, a bug that needs d choices in the right order is
 *   found with a probability of at least 1 / (n * k^(d-1)) a run.
 * - `replay`: at choice i the one with index `choices[i]`, counted in the order of first-come; 0 after the last one.
 *
 * `slack` (ns, default 0) is how late anything may run: whatever is due within `slack` of the first one is due with it.
 * Nothing runs early.
 */
export type Schedule =
  | { readonly kind: "first-come" }
  | { readonly kind: "random"; readonly seed: number; readonly slack?: number }
  | {
      readonly kind: "pct";
      readonly seed: number;
      /** Number of ordered choices that the bug needs; default 3. */
      readonly depth?: number;
      /** Number of choices that a run is thought to have; default 1000. */
      readonly steps?: number;
      readonly slack?: number;
    }
  | { readonly kind: "replay"; readonly choices: readonly number[]; readonly slack?: number };

/** Somebody who could run next: a task, or an engine or timer whose callback is due. */
export interface Candidate {
  /** Id of the timeline in the trace. */
  readonly timeline: number;
  readonly name: string;
}

/** A choice that was made: at virtual time `time` (ns) `chosen` ran, of `among`, the first of which had come first. */
export interface Decision {
  readonly time: number;
  readonly chosen: number;
  readonly among: readonly string[];
}

/** How often one timeline may be chosen before all others that are due, in a row, whatever its priority. */
const PATIENCE = 100;

type Chooser = (candidates: readonly Candidate[]) => number;

/** Makes the choices of one run and remembers them. */
export class Scheduler {
  /** Most that anything is late, in ns. */
  readonly slack: number;
  readonly #choose: Chooser;
  readonly #decisions: Decision[] = [];

  /** Throws `TypeError` for a slack that is negative, a depth below 1, and a choice that is no index. */
  constructor(schedule: Schedule) {
    this.slack = schedule.kind === "first-come" ? 0 : (schedule.slack ?? 0);
    if (!(this.slack >= 0)) throw new TypeError(`a schedule cannot have a slack of ${this.slack} ns`);
    this.#choose = chooser(schedule);
  }

  /** Every choice so far. */
  get decisions(): readonly Decision[] {
    return this.#decisions;
  }

  /** The index of the one that runs next; there are at least two. */
  choose(time: number, candidates: readonly Candidate[]): number {
    const chosen = this.#choose(candidates);
    this.#decisions.push({ time, chosen, among: candidates.map(({ name }) => name) });
    return chosen;
  }
}

function chooser(schedule: Schedule): Chooser {
  switch (schedule.kind) {
    case "first-come":
      return () => 0;
    case "random": {
      const lottery = new Lottery(schedule.seed);
      return ({ length }) => lottery.below(length);
    }
    case "pct":
      return priorities(schedule.seed, schedule.depth ?? 3, schedule.steps ?? 1000);
    case "replay": {
      let next = 0;
      return ({ length }) => Math.min(schedule.choices[next++] ?? 0, length - 1);
    }
  }
}

function priorities(seed: number, depth: number, steps: number): Chooser {
  if (!(depth >= 1 && steps >= 1))
    throw new TypeError(`a schedule cannot have depth ${depth} in ${steps} steps`);
  const lottery = new Lottery(seed);
  const changes = new Set<number>();
  while (changes.size < Math.min(depth - 1, steps)) changes.add(lottery.below(steps));
  const known = new Map<number, number>();
  let lowest = 0;
  let step = 0;
  let last = -1;
  let inRow = 0;
  const highest = (candidates: readonly Candidate[]): number => {
    let best = 0;
    for (const [index, { timeline }] of candidates.entries()) {
      if (!known.has(timeline)) known.set(timeline, 1 + lottery.below(2 ** 30));
      const against = candidates[best] as Candidate;
      if ((known.get(timeline) as number) > (known.get(against.timeline) as number)) best = index;
    }
    return best;
  };
  return (candidates) => {
    let best = highest(candidates);
    const { timeline } = candidates[best] as Candidate;
    inRow = timeline === last ? inRow + 1 : 0;
    last = timeline;
    // Whoever spins would keep out the one that it waits for.
    if (changes.has(step++) || inRow >= PATIENCE) {
      known.set(timeline, --lowest);
      inRow = 0;
      best = highest(candidates);
    }
    return best;
  };
}
