// SPDX-License-Identifier: MIT
import type { LitmusProgram, LitmusResult } from "@dmabuf/core/coherency";

/** The expectation of a litmus program as it was written; races are compared as well, and no step here has one. */
export type Expectation = NonNullable<LitmusProgram["expect"]> & {
  readonly races?: readonly (readonly [number, number])[];
};

const steps = (indices: readonly number[]): string =>
  indices.length === 0 ? "none" : `${indices.length === 1 ? "step" : "steps"} ${indices.join(", ")}`;

const ascending = (indices: readonly number[]): number[] => [...new Set(indices)].sort((a, b) => a - b);

/** What came out, in a few words: `coherent`, or where reads can be stale and where a write can be lost. */
export function verdictOf({ stale, lost }: LitmusResult): string {
  const parts = [
    ...(stale.length > 0 ? [`stale read at ${steps(stale)}`] : []),
    ...(lost !== null ? [`lost write at step ${lost}`] : []),
  ];
  return parts.length === 0 ? "coherent" : parts.join("; ");
}

/** Where the outcome differs from what the program expects, one phrase for each key; empty when it does not. */
export function differences(expect: Expectation | undefined, result: LitmusResult): string[] {
  const found: string[] = [];
  const compare = (what: string, expected: string, actual: string): void => {
    if (expected !== actual) found.push(`${what}: expected ${expected}, found ${actual}`);
  };
  if (expect?.stale !== undefined)
    compare("stale reads", steps(ascending(expect.stale)), steps(result.stale));
  if (expect?.lost !== undefined) {
    const lost = (step: number | null): string => steps(step === null ? [] : [step]);
    compare("lost write", lost(expect.lost), lost(result.lost));
  }
  if (expect?.races !== undefined) {
    const pairs = expect.races.map(([first, second]) => `${first}-${second}`).join(", ");
    compare("races", pairs === "" ? "none" : pairs, "none");
  }
  return found;
}
