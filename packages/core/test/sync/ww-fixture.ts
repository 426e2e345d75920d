// SPDX-License-Identifier: MIT
import { KernelError } from "../../src/error.ts";
import { type Process, Simulation } from "../../src/sim.ts";
import { type WwAcquire, type WwAlgorithm, WwClass, WwMutex } from "../../src/sync.ts";

/** Whole numbers below a bound, the same for the same seed. */
export function randomOf(seed: number): (bound: number) => number {
  let state = Math.imul(seed + 1, 0x9e3779b9) | 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

/** A list in an order that depends on nothing but the random numbers. */
export function shuffled<T>(list: readonly T[], random: (bound: number) => number): T[] {
  const result = [...list];
  for (let left = result.length; left > 1; left--) {
    const at = random(left);
    [result[left - 1], result[at]] = [result[at] as T, result[left - 1] as T];
  }
  return result;
}

export interface WwFixture {
  readonly simulation: Simulation;
  readonly class: WwClass;
  readonly locks: readonly WwMutex[];
  /** Rules and operations that were complained about. */
  warnings(): string[];
}

export function wwFixture(algorithm: WwAlgorithm, locks: number): WwFixture {
  const simulation = new Simulation();
  const wwClass = new WwClass(simulation, { algorithm });
  return {
    simulation,
    class: wwClass,
    locks: Array.from({ length: locks }, (_, i) => new WwMutex(wwClass, `${i}`)),
    warnings: () => simulation.diagnostics.entries.map(({ rule, operation }) => `${rule} ${operation}`),
  };
}

/** Takes a lock: "0", or the errno that the kernel's function would return. */
export function* answerOf(lock: WwMutex, context: WwAcquire | null): Process<string> {
  try {
    yield* lock.lock({ context });
    return "0";
  } catch (error) {
    if (error instanceof KernelError) return error.errno;
    throw error;
  }
}
