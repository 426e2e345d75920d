// SPDX-License-Identifier: MIT
import { type Arch, Extents } from "@dmabuf/core";
import fc from "fast-check";
import { test } from "vitest";
import { arm64 } from "../src/index.ts";
import { cleanByLine, invalidateByLine, type LineOperation, lineOperations } from "./line-operation.ts";

const segment = fc
  .tuple(fc.nat(0x4000), fc.integer({ min: 1, max: 0x300 }), fc.constantFrom(0, 0x8_0000_0000))
  .map(([start, length, base]) => [base + start, base + start + length] as const);
const segments = fc.array(segment, { minLength: 1, maxLength: 6 });
const lines = fc.constantFrom(16, 32, 64, 128);

const sorted = (operations: readonly LineOperation[]): string =>
  operations.map(([instruction, line]) => `${instruction} ${line}`).join(" ");

test("every list of segments gets the kernel's line operations, in the kernel's order", () => {
  fc.assert(
    fc.property(segments, lines, (list, line) => {
      const arch = arm64({ line }).provides.arch?.() as Arch;
      const extents = Extents.each(
        list.map(([start]) => start),
        list.map(([, end]) => end),
      );
      const cleaned = lineOperations(arch.syncForDevice(extents, "bidirectional"), line);
      const invalidated = lineOperations(arch.syncForCpu(extents, "bidirectional"), line);
      return (
        sorted(cleaned) === sorted(list.flatMap(([start, end]) => cleanByLine(start, end, line))) &&
        sorted(invalidated) === sorted(list.flatMap(([start, end]) => invalidateByLine(start, end, line)))
      );
    }),
    { seed: 20261120, numRuns: 2000 },
  );
});
