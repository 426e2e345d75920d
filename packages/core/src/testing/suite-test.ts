// SPDX-License-Identifier: MIT

/** One test of a conformance suite. Any runner takes them: `for (const { name, run } of suite) test(name, run)`. */
export interface SuiteTest {
  /** What the plugin owes, as a sentence without its subject. */
  readonly name: string;
  /** Runs it on fresh systems; throws when the plugin owes something. */
  run(): void;
}

/** Fails the test that runs, with what was expected in words. */
export function demand(holds: boolean, expected: string): asserts holds {
  if (!holds) throw new TypeError(expected);
}
