// SPDX-License-Identifier: MIT
import { type Arch, type CacheMaintenance, Extents } from "@dmabuf/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { arm64, armv5, armv7, pl310 } from "../src/index.ts";
import {
  cleanByLine,
  invalidateByLine,
  invalidateByLineV5,
  invalidateByLineV7,
  type LineOperation,
  lineOperations,
} from "./line-operation.ts";

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

test("so it does on ARMv7, through one cache and then the other, in both orders", () => {
  fc.assert(
    fc.property(segments, (list) => {
      const arch = armv7({ outer: pl310() }).provides.arch?.() as Arch;
      const extents = Extents.each(
        list.map(([start]) => start),
        list.map(([, end]) => end),
      );
      for (const domain of ["cpu", "l2"]) {
        const of = (operations: readonly CacheMaintenance[]): string =>
          sorted(
            lineOperations(
              operations.filter((one) => one.domain === domain),
              32,
            ),
          );
        const dropped = sorted(list.flatMap(([start, end]) => invalidateByLineV7(start, end, 32)));
        expect(of(arch.syncForDevice(extents, "from-device"))).toBe(dropped);
        expect(of(arch.syncForCpu(extents, "bidirectional"))).toBe(dropped);
        expect(of(arch.syncForDevice(extents, "to-device"))).toBe(
          sorted(list.flatMap(([start, end]) => cleanByLine(start, end, 32))),
        );
      }
      const order = arch.syncForCpu(extents, "from-device").map(({ domain }) => domain);
      expect(order[0]).toBe("l2");
      expect(arch.syncForDevice(extents, "from-device").map(({ domain }) => domain)[0]).toBe("cpu");
      expect(order.filter((domain, i) => domain === "l2" && order[i - 1] !== "l2").length).toBe(
        order.filter((domain, i) => domain === "cpu" && order[i - 1] !== "cpu").length,
      );
    }),
    { seed: 20261121, numRuns: 500 },
  );
});

test("and on an ARM926", () => {
  fc.assert(
    fc.property(segments, (list) => {
      const arch = armv5().provides.arch?.() as Arch;
      const extents = Extents.each(
        list.map(([start]) => start),
        list.map(([, end]) => end),
      );
      const found = lineOperations(arch.syncForDevice(extents, "from-device"), 32);
      // Where all is made of whole lines there is nothing to clean, and the list is gone through in the same order.
      return sorted(found) === sorted(list.flatMap(([start, end]) => invalidateByLineV5(start, end, 32)));
    }),
    { seed: 20261122, numRuns: 500 },
  );
});
