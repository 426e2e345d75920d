// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { type DmaFence, DmaFenceArray, DmaFenceChain, mergeFences, unwrapFence } from "../../src/sync.ts";
import { FenceBench } from "./fence-bench.ts";

const named = (fences: readonly DmaFence[]): string[] =>
  fences.map(({ context, seqno }) => `${context}:${seqno}`);

describe("unwrapping (F-47)", () => {
  test("a plain fence is its own", () => {
    const fence = new FenceBench().fence(4, 2);
    expect(named(unwrapFence(fence))).toEqual(["4:2"]);
  });

  test("a chain of fences and arrays, newest first, the members in their order", () => {
    const bench = new FenceBench();
    const [a, b, c, d] = [bench.fence(1), bench.fence(2), bench.fence(3), bench.fence(4)];
    const array = DmaFenceArray.create([b, c]);
    const chain = [a, array, d].reduce<DmaFenceChain | null>(
      (before, fence, i) => DmaFenceChain.create(before, fence, i + 1),
      null,
    ) as DmaFenceChain;
    expect(named(unwrapFence(chain))).toEqual(["4:1", "2:1", "3:1", "1:1"]);
    b.signal();
    expect(named(unwrapFence(chain)), "an array shows all its members").toEqual(["4:1", "2:1", "3:1", "1:1"]);
    c.signal();
    expect(named(unwrapFence(chain)), "a signaled node is gone").toEqual(["4:1", "1:1"]);
    d.signal();
    expect(named(unwrapFence(chain)), "but never the first").toEqual(["4:1", "1:1"]);
  });
});

describe("merging (F-48)", () => {
  test("nothing pending: a stub of one's own with the time of the last signal", () => {
    const bench = new FenceBench();
    const fences = bench.fences(3);
    for (const [i, fence] of fences.entries()) fence.signalTimestamp([30, 50, 20][i] as number);
    const merged = mergeFences(fences);
    const { driverName, context, status, timestamp } = merged;
    expect([driverName, context, status, timestamp]).toEqual(["stub", 0, "signaled", 50]);
    expect(bench.pool.references(merged.id)).toBe(1);
  });

  test("one pending: that fence itself, with a reference", () => {
    const bench = new FenceBench();
    const fences = bench.fences(3);
    fences[0]?.signal();
    fences[2]?.signal();
    const merged = mergeFences(fences);
    expect([merged.equals(fences[1] as DmaFence), bench.pool.references(merged.id)]).toEqual([true, 2]);
    expect(mergeFences([merged, merged]).equals(merged), "and so with itself").toBe(true);
  });

  test("of each context the latest, in the order of the contexts, as an array of its own context", () => {
    const bench = new FenceBench();
    const make = (context: number, seqno: number): DmaFence => bench.fence(context, seqno);
    bench.pool.contextAlloc(10);
    const fences = [make(7, 1), make(3, 4), make(7, 3), make(3, 9), make(7, 2), make(5, 1)];
    const merged = mergeFences(fences);
    expect(named(unwrapFence(merged))).toEqual(["3:9", "5:1", "7:3"]);
    expect([merged.context, merged.seqno, DmaFenceArray.from(merged)?.members.length]).toEqual([11, 1, 3]);
    merged.put();
    for (const fence of fences) fence.put();
    expect([bench.pool.live, bench.complaints]).toEqual([0, []]);
  });

  test("containers are taken apart, and what is left may be one fence", () => {
    const bench = new FenceBench();
    const [early, late, other] = [bench.fence(1, 1), bench.fence(1, 2), bench.fence(2, 1)];
    const array = DmaFenceArray.create([early, other]);
    const chain = DmaFenceChain.create(null, late, 1);
    expect(named(unwrapFence(mergeFences([array, chain])))).toEqual(["1:2", "2:1"]);
    other.signal();
    expect(mergeFences([array, chain]).equals(late)).toBe(true);
  });

  test("a driver asked last may signal what was pending before (F-49)", () => {
    const bench = new FenceBench();
    const first = bench.fence();
    const tell = bench.fence(undefined, 1, { signaled: () => first.signal() });
    const merged = mergeFences([first, tell]);
    expect([merged.driverName, merged.status]).toEqual(["stub", "signaled"]);
  });

  test("32-bit numbers that wrap are later (F-21)", () => {
    const bench = new FenceBench();
    const [old, wrapped] = [bench.fence(1, 2 ** 32 - 2), bench.fence(1, 2 ** 32 + 3)];
    expect(mergeFences([wrapped, old]).equals(wrapped)).toBe(true);
    expect(() => mergeFences([])).toThrow("no fences to merge (F-48)");
  });
});
