// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { deviceWrites, directionOf, dmaDirections } from "../../src/index.ts";

test("the kernel's numbering: DMA_BIDIRECTIONAL 0, DMA_TO_DEVICE 1, DMA_FROM_DEVICE 2", () => {
  expect(dmaDirections).toEqual(["bidirectional", "to-device", "from-device"]);
});

test.each([
  [true, false, "to-device", false],
  [false, true, "from-device", true],
  [true, true, "bidirectional", true],
] as const)("a device that reads %s and writes %s: %s", (reads, writes, direction, dirties) => {
  expect(directionOf(reads, writes)).toBe(direction);
  expect(deviceWrites(direction)).toBe(dirties);
});
