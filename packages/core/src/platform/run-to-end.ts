// SPDX-License-Identifier: MIT
import type { RunEnd } from "../check/inspection.ts";
import { KernelBug } from "../error.ts";
import type { Simulation } from "../sim/simulation.ts";

/** Steps of tasks in a row of which nothing comes that are a livelock: far more than any program sleeps through. */
const LIVELOCK = 1_000_000;

/**
 * Runs an inspected system until nothing is due any more, until the kernel would have stopped with a BUG, or until tasks
 * run and run and nothing comes of it.
 */
export function runToEnd(simulation: Simulation): RunEnd {
  try {
    const { blocked, livelock = null } = simulation.run({ livelock: LIVELOCK });
    return { blocked, livelock, stopped: livelock !== null };
  } catch (error) {
    if (error instanceof KernelBug) return { blocked: [], livelock: null, stopped: true };
    throw error;
  }
}
