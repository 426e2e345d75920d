// SPDX-License-Identifier: MIT
// Core has mechanisms: it knows no machine, and so names none.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const core = fileURLToPath(new URL("../packages/core/src", import.meta.url));
const machines = /x86|i915|intel|clflush|wbinvd|\bsfence|pl310|l2x0|zynq|cortex|armv\d|\bttm\b/i;

test("core's sources name no machine, driver or instruction set", () => {
  const files = readdirSync(core, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts"),
  );
  expect(files.length).toBeGreaterThan(150);
  const named = files.flatMap((name) =>
    readFileSync(join(core, name), "utf8")
      .split("\n")
      .flatMap((line, i) => (machines.test(line) ? [`${name}:${i + 1}: ${line.trim()}`] : [])),
  );
  expect(named).toEqual([]);
});
