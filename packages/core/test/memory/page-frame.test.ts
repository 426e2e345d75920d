// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { physAddr } from "../../src/address.ts";
import { frameAddress, frameNumber, orderOf } from "../../src/memory/page-frame.ts";

test("frame numbers and addresses convert, above 32 bits too", () => {
  expect(frameNumber(physAddr(0x8_0000_1fff))).toBe(0x80_0001);
  expect(frameAddress(0x80_0001)).toBe(0x8_0000_1000);
  expect(() => frameAddress(2 ** 41)).toThrow(TypeError);
  expect(() => frameAddress(-1)).toThrow(TypeError);
});

test.each([
  [1, 0],
  [4096, 0],
  [4097, 1],
  [8192, 1],
  [64 * 1024, 4],
  [2 ** 20, 8],
  [2 ** 20 + 1, 9],
  [2 ** 52, 40],
])("%d bytes need order %d", (bytes, order) => {
  expect(orderOf(bytes)).toBe(order);
});

test.each([0, -1, 1.5, Number.NaN, 2 ** 53])("%d bytes have no order", (bytes) => {
  expect(() => orderOf(bytes)).toThrow(TypeError);
});
