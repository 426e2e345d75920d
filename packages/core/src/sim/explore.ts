// SPDX-License-Identifier: MIT
import { type Decision, type Schedule, Scheduler } from "./scheduler.ts";

/**
 * What is explored: builds a fresh simulation (or boots a platform) with this scheduler, runs it, and throws when
 * something is wrong. It must do the same whenever it gets the same choices.
 */
export type Scenario = (scheduler: Scheduler) => void;

/** A schedule under which a scenario fails. */
export interface FailingSchedule {
  /** The seed that found it; null when it needed none: first-come, or trying everything. */
  readonly seed: number | null;
  /** What the scenario threw. */
  readonly error: unknown;
  /** Runs it took to find it. */
  readonly runs: number;
  /** The shortest schedule that was found from it: run the scenario with it to see the failure again. */
  readonly schedule: Schedule & { readonly kind: "replay" };
  /** Its choices that are not first-come: who ran when, before whom. */
  readonly trace: readonly Decision[];
  /** What the scenario throws under the short schedule. */
  readonly shrunkError: unknown;
}

/** How to explore. */
export interface ExploreOptions {
  /** The schedule for a seed; `steps` is how many choices first-come has. Default PCT of depth 3 over as many steps. */
  readonly schedule?: (seed: number, steps: number) => Schedule;
  /** Runs that shortening a failing schedule may take; default 500. */
  readonly shrinkRuns?: number;
}

/** Every schedule of a scenario, or as many as allowed. */
export interface Exhaustive {
  /** Schedules that were run. */
  readonly runs: number;
  /** Whether that were all of them. */
  readonly complete: boolean;
  readonly failure: FailingSchedule | null;
}

const pct = (seed: number, steps: number): Schedule => ({ kind: "pct", seed, steps: Math.max(1, steps) });

/**
 * Runs a scenario under first-come and then under one schedule for each seed (a number stands for 0, 1, ... below it),
 * and returns the first one that fails, shortened, or null. A scenario may fail in another way on the way to a shorter one.
 */
export function explore(
  seeds: number | Iterable<number>,
  scenario: Scenario,
  options: ExploreOptions = {},
): FailingSchedule | null {
  const { schedule = pct, shrinkRuns = 500 } = options;
  const plain = attempt(scenario, { kind: "first-come" });
  if (plain.error !== null)
    return shrunk(scenario, plain.scheduler, plain.error.thrown, { seed: null, runs: 1, shrinkRuns });
  const steps = plain.scheduler.decisions.length;
  let runs = 1;
  for (const seed of typeof seeds === "number" ? Array.from({ length: seeds }, (_, i) => i) : seeds) {
    runs++;
    const { error, scheduler } = attempt(scenario, schedule(seed, steps));
    if (error !== null) return shrunk(scenario, scheduler, error.thrown, { seed, runs, shrinkRuns });
  }
  return null;
}

/**
 * Runs a scenario under every order of what is due at the same time, depth first, until one fails or `limit` runs are
 * done (default 10,000): for few processes with few choices, because n choices of k make k^n schedules.
 */
export function exploreAll(
  scenario: Scenario,
  { limit = 10_000, slack = 0 }: { readonly limit?: number; readonly slack?: number } = {},
): Exhaustive {
  let choices: number[] | null = [];
  let runs = 0;
  for (; choices !== null && runs < limit; runs++) {
    const { error, scheduler } = attempt(scenario, { kind: "replay", choices, slack });
    if (error !== null) {
      const found = { seed: null, runs: runs + 1, shrinkRuns: 500 };
      return { runs: runs + 1, complete: false, failure: shrunk(scenario, scheduler, error.thrown, found) };
    }
    choices = next(scheduler.decisions);
  }
  return { runs, complete: choices === null, failure: null };
}

/** The schedule after this one: its last choice that can still be another one is. */
function next(decisions: readonly Decision[]): number[] | null {
  const last = decisions.findLastIndex(({ chosen, among }) => chosen + 1 < among.length);
  if (last < 0) return null;
  const choices = decisions.slice(0, last + 1).map(({ chosen }) => chosen);
  choices[last] = (choices[last] as number) + 1;
  return choices;
}

function attempt(
  scenario: Scenario,
  schedule: Schedule,
): { readonly scheduler: Scheduler; readonly error: { readonly thrown: unknown } | null } {
  const scheduler = new Scheduler(schedule);
  try {
    scenario(scheduler);
    return { scheduler, error: null };
  } catch (thrown) {
    return { scheduler, error: { thrown } };
  }
}

/** Makes a failing schedule as much like first-come as it can be: shorter, and with fewer choices that differ. */
function shrunk(
  scenario: Scenario,
  failing: Scheduler,
  error: unknown,
  found: { readonly seed: number | null; readonly runs: number; readonly shrinkRuns: number },
): FailingSchedule {
  const { slack } = failing;
  let left = found.shrinkRuns;
  let best = { choices: trimmed(failing.decisions), decisions: failing.decisions, error };
  const fails = (choices: readonly number[]): boolean => {
    if (left <= 0) return false;
    left--;
    const { scheduler, error: thrown } = attempt(scenario, { kind: "replay", choices, slack });
    if (thrown === null) return false;
    best = { choices: trimmed(scheduler.decisions), decisions: scheduler.decisions, error: thrown.thrown };
    return true;
  };
  // Halves first, then smaller and smaller parts, left out or made first-come, as delta debugging does.
  for (
    let size = Math.ceil(best.choices.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < best.choices.length; ) {
      const { choices } = best;
      const part = choices.slice(at, at + size);
      const [before, after] = [choices.slice(0, at), choices.slice(at + size)];
      if (fails([...before, ...after])) continue;
      if (part.every((choice) => choice === 0) || !fails([...before, ...part.map(() => 0), ...after]))
        at += size;
    }
  }
  const { choices } = best;
  return {
    seed: found.seed,
    error,
    runs: found.runs,
    schedule: { kind: "replay", choices, ...(slack === 0 ? {} : { slack }) },
    trace: best.decisions.filter(({ chosen }) => chosen !== 0),
    shrunkError: best.error,
  };
}

/** The choices up to the last one that is not first-come. */
function trimmed(decisions: readonly Decision[]): number[] {
  const last = decisions.findLastIndex(({ chosen }) => chosen !== 0);
  return decisions.slice(0, last + 1).map(({ chosen }) => chosen);
}
