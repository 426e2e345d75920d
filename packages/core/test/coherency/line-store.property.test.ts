// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, it } from "vitest";
import { ByteStore, CHUNK } from "../../src/coherency/byte-store.ts";
import { LineStore } from "../../src/coherency/line-store.ts";
import { Topology } from "../../src/coherency.ts";

interface Action {
  readonly what: "read" | "write" | "overlay" | "fill" | "clean" | "drop";
  readonly start: number;
  readonly length: number;
}

/** A cache as a map from line to bytes: nothing is grouped, nothing is skipped. */
class PlainCache {
  readonly memory: Uint8Array;
  readonly lines = new Map<number, { bytes: Uint8Array; dirty: boolean }>();
  readonly line: number;

  constructor(size: number, line: number) {
    this.memory = new Uint8Array(size);
    this.line = line;
  }

  touch({ what, start, length }: Action, from: Uint8Array): (number | null)[] {
    const seen: (number | null)[] = [];
    for (let at = start - (start % this.line); at < start + length; at += this.line) {
      if (!this.lines.has(at) && (what === "read" || what === "write" || what === "fill")) {
        this.lines.set(at, { bytes: this.memory.slice(at, at + this.line), dirty: false });
      }
      const own = this.lines.get(at);
      for (let byte = Math.max(at, start); byte < Math.min(at + this.line, start + length); byte++) {
        if (what === "write" && own !== undefined) own.bytes[byte - at] = from[byte - start] as number;
        seen.push(own?.bytes[byte - at] ?? null);
      }
      if (own === undefined) continue;
      if (what === "write") own.dirty = true;
      if (what === "clean" && own.dirty) {
        this.memory.set(own.bytes, at);
        own.dirty = false;
      }
      if (what === "drop") this.lines.delete(at);
    }
    return seen;
  }
}

const SIZE = 32_768;
const line = fc.constantFrom(1, 4, 32, 64, 128, 4096);
const base = fc.constantFrom(0, CHUNK - 8192, 2 ** 32 - 16_384, 2 ** 40 - 4096);
const actions = fc.array(
  fc.record({
    what: fc.constantFrom<Action["what"]>("read", "write", "overlay", "fill", "clean", "drop"),
    start: fc.nat(SIZE - 1),
    length: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: SIZE })),
  }),
  { minLength: 10, maxLength: 20 },
);

it("does line by line what a cache without runs, words and chunks does", () => {
  fc.assert(
    fc.property(line, base, actions, (length, address, list) => {
      const memory = new ByteStore();
      const [domain] = new Topology({ domains: { cpu: { line: length } } }).domains;
      if (domain === undefined) throw new TypeError("no domain");
      const cache = new LineStore(domain, memory);
      const plain = new PlainCache(SIZE, length);
      list.forEach((action, index) => {
        const size = Math.min(action.length, SIZE - action.start);
        const own = { ...action, length: size };
        const start = address + action.start;
        const from = Uint8Array.from({ length: size + 3 }, (_, i) => (index * 31 + i) % 255);
        const into = new Uint8Array(size + 5).fill(255);
        const seen = plain.touch(own, from.subarray(3));
        if (action.what === "read") cache.read(start, start + size, into, 5);
        else if (action.what === "write") cache.write(start, start + size, from, 3);
        else if (action.what === "overlay") cache.overlay(start, start + size, into, 5);
        else cache[action.what](start, start + size);
        if (action.what === "read" || action.what === "overlay") {
          const expected = Uint8Array.from([255, 255, 255, 255, 255, ...seen.map((byte) => byte ?? 255)]);
          expect(Buffer.compare(into, expected)).toBe(0);
        }
      });
      for (let at = 0; at < SIZE; at += Math.max(length, 16)) {
        const own = plain.lines.get(at);
        expect([at, cache.isResident(address + at), cache.isDirty(address + at)]).toEqual([
          at,
          own !== undefined,
          own?.dirty ?? false,
        ]);
        const last = at + length - 1;
        if (own !== undefined) expect(cache.at(address + last)).toBe(own.bytes[length - 1]);
      }
      const bytes = new Uint8Array(SIZE);
      memory.read(address, address + SIZE, bytes, 0);
      expect(Buffer.compare(bytes, plain.memory)).toBe(0);
    }),
    { seed: 20261120, numRuns: 30 },
  );
});
