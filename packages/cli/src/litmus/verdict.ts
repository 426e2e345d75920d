// SPDX-License-Identifier: MIT
import type { LitmusProgram, LitmusResult } from "@dmabuf/core/coherency";

/** The expectation of a litmus program as it was written. */
export type Expectation = NonNullable<LitmusProgram["expect"]>;

const steps = (indices: readonly number[]): string =>
  indices.length === 0 ? "none" : `${indices.length === 1 ? "step" : "steps"} ${indices.join(", ")}`;

const ascending = (indices: readonly number[]): number[] => [...new Set(indices)].sort((a, b) => a - b);

/** Pairs of steps as in `1-4, 2-4`; `none` when there are none. */
const pairs = (races: readonly (readonly [number, number])[]): string =>
  races.length === 0 ? "none" : races.map(([first, second]) => `${first}-${second}`).join(", ");

/** What came out, in a few words: `coherent`, or where reads can be stale, a write can be lost and steps race. */
export function verdictOf({ stale, lost, races }: LitmusResult): string {
  const parts = [
    ...(stale.length > 0 ? [`stale read at ${steps(stale)}`] : []),
    ...(lost !== null ? [`lost write at step ${lost}`] : []),
    ...(races.length > 0 ? [racesText(races)] : []),
  ];
  return parts.length === 0 ? "coherent" : parts.join("; ");
}

/** Races that a line has room for. */
const MOST_RACES = 6;

function racesText(races: LitmusResult["races"]): string {
  const shown = races.slice(0, MOST_RACES).map(({ first, second }) => [first, second] as const);
  const more = races.length - shown.length;
  return `race of steps ${pairs(shown)}${more > 0 ? ` and ${more} more` : ""}`;
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
    const expected = [...expect.races].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const found = result.races.map(({ first, second }) => [first, second] as const);
    compare("races", pairs(expected), pairs(found));
  }
  return found;
}
