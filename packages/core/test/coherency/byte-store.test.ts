// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { ByteStore, CHUNK } from "../../src/coherency/byte-store.ts";

describe.each([0, 7, 2 ** 12, 2 ** 20])("bytes beyond %i chunks", (chunks) => {
  const border = (chunks + 1) * CHUNK;

  it("survive the border of a chunk", () => {
    const store = new ByteStore();
    const bytes = Uint8Array.from({ length: 40 }, (_, i) => i + 1);
    store.write(border - 17, border + 23, bytes, 0);
    const into = new Uint8Array(50);
    store.read(border - 20, border + 26, into, 2);
    expect([...into]).toEqual([...new Array(5).fill(0), ...bytes, ...new Array(5).fill(0)]);
    expect(store.at(border - 1)).toBe(17);
    expect(store.at(border)).toBe(18);
    expect(store.chunk(border)[0]).toBe(18);
    expect(store.chunk(border - 1)[CHUNK - 1]).toBe(17);
  });

  it("are taken from any place of a source", () => {
    const store = new ByteStore();
    store.write(border - 2, border + 2, Uint8Array.of(9, 9, 1, 2, 3, 4, 9), 2);
    expect([-3, -2, -1, 0, 1, 2].map((offset) => store.at(border + offset))).toEqual([0, 1, 2, 3, 4, 0]);
  });
});

it("a range of several chunks is one range", () => {
  const store = new ByteStore();
  const bytes = new Uint8Array(2 * CHUNK + 10).fill(5);
  store.write(2 ** 40 - 5, 2 ** 40 + 2 * CHUNK + 5, bytes, 0);
  const into = new Uint8Array(2 * CHUNK + 12);
  store.read(2 ** 40 - 6, 2 ** 40 + 2 * CHUNK + 6, into, 0);
  expect(into.reduce((sum, byte) => sum + byte, 0)).toBe(5 * bytes.length);
  expect([into[0], into[1], into.at(-2), into.at(-1)]).toEqual([0, 5, 5, 0]);
});
