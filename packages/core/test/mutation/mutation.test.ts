// SPDX-License-Identifier: MIT
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { findingCodes, type System } from "../../src/index.ts";
import { acquisition } from "../platform/acquisition.ts";
import type { Fault } from "./fault.ts";
import { mutants } from "./mutant.ts";
import { referenceProgram } from "./reference-program.ts";

// Small faults in a correct driver are found in one run each, and named by the right code. docs/mutations.md is the table.

const platform = acquisition();
const codesOf = (fault: Fault | null): string[] => {
  const { findings } = platform.inspect((system: System) => referenceProgram(system, fault));
  return findings.filter(({ severity }) => severity !== "note").map(({ code }) => code);
};
const known: readonly string[] = findingCodes;

test("the reference program has no finding", () => {
  expect(codesOf(null)).toEqual([]);
});

describe("each fault is found", () => {
  test.for(mutants)("$name: $code", ({ fault, code }, { skip }) => {
    // Fails as soon as the code exists and the fault is not found.
    if (!known.includes(code)) skip(`${code} is not a code yet`);
    expect(codesOf(fault)).toContain(code);
  });
});

test("every fault has its row, once", () => {
  const source = readFileSync(new URL("./fault.ts", import.meta.url), "utf8");
  const faults = [...source.matchAll(/^ {2}\| "(.*)";?$/gm)].map(([, fault]) => fault);
  expect(mutants.map(({ fault }) => fault).toSorted()).toEqual(faults.toSorted());
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  expect(mutants.length).toBeGreaterThanOrEqual(40);
});

test("docs/mutations.md has exactly these rows", () => {
  const page = readFileSync(new URL("../../../../docs/mutations.md", import.meta.url), "utf8");
  const rows = mutants.map(({ name, code }) => `| ${name} | ${code} |`);
  expect(page.match(/^\| .* \| [a-z-]+ \|$/gm)).toEqual(rows);
  expect(page).toContain(`${mutants.length} small`);
});
