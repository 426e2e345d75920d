// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import type { TraceEvent } from "../../src/sim.ts";
import { type DmaFence, DmaFenceArray } from "../../src/sync.ts";
import { FenceBench } from "./fence-bench.ts";

function setup(count: number, any = false): { bench: FenceBench; members: DmaFence[]; array: DmaFenceArray } {
  const bench = new FenceBench();
  const members = bench.fences(count);
  return { bench, members, array: DmaFenceArray.create(members, { any }) };
}

describe("waiting for all", () => {
  test("it signals a moment after the last member, from another context (F-36)", () => {
    const { bench, members, array } = setup(3);
    const seen: string[] = [];
    array.addCallback(() => seen.push(`${bench.simulation.atomic}`));
    for (const member of members) member.signal();
    expect([[...seen], bench.pool.hasSignaled(array.id)]).toEqual([[], false]);
    expect([bench.settled(array), seen]).toEqual([true, ["true"]]);
  });

  test("asking signals it at once, a wait lets it come by itself (F-36, F-38)", () => {
    const { bench, members, array } = setup(2);
    array.enableSignaling();
    members[0]?.signal();
    expect(bench.settled(array)).toBe(false);
    members[1]?.signal();
    expect(bench.pool.hasSignaled(array.id)).toBe(false);
    expect(bench.settled(array)).toBe(true);
  });

  test("members that have signaled before count when somebody waits (F-36)", () => {
    const { bench, members, array } = setup(3);
    members[0]?.signal();
    members[2]?.signal();
    expect(array.addCallback(() => {})).not.toBeNull();
    members[1]?.signal();
    expect(bench.settled(array)).toBe(true);
    const done = DmaFenceArray.create(members);
    expect([done.addCallback(() => {}), done.status]).toEqual([null, "signaled"]);
  });

  test("asked before anybody waits it asks its members, and none is hooked (F-14, F-38)", () => {
    const { bench, members, array } = setup(3);
    expect(array.isSignaled).toBe(false);
    for (const member of members) {
      expect([bench.pool.isSignalingEnabled(member.id), array.isSignaled]).toEqual([false, false]);
      member.signal();
    }
    expect(array.isSignaled).toBe(true);
  });

  test("the first error of a member is its own; a poll alone finds none (F-37, F-38)", () => {
    const { bench, members, array } = setup(3);
    const polled = DmaFenceArray.create(members);
    array.enableSignaling();
    for (const [i, error] of (["EIO", "ETIMEDOUT"] as const).entries()) members[i]?.setError(error);
    for (const member of members.toReversed()) member.signal();
    expect(array.status, "the counter says yes before the work has run").toBe("ETIMEDOUT");
    expect(bench.settled(array)).toBe(true);
    expect([array.status, array.error, polled.status]).toEqual(["ETIMEDOUT", "ETIMEDOUT", "signaled"]);
  });

  test("an error of a member that had signaled before counts too (F-37)", () => {
    const { members, array } = setup(2);
    members[0]?.setError("ENOENT");
    for (const member of members) member.signal();
    array.enableSignaling();
    expect(array.status).toBe("ENOENT");
  });
});

describe("waiting for any", () => {
  test("the first member is enough, and the others still hold it (F-39)", () => {
    const { bench, members, array } = setup(3, true);
    array.enableSignaling();
    members[1]?.signal();
    expect(bench.settled(array)).toBe(true);
    array.put();
    expect(bench.pool.live, "two callbacks hold the array").toBe(4);
    for (const member of members) {
      member.signal();
      member.put();
    }
    expect([bench.pool.live, bench.complaints]).toEqual([0, []]);
  });

  test("asked, one signaled member will do; enabled, too (F-38)", () => {
    const { members, array } = setup(2, true);
    expect(array.isSignaled).toBe(false);
    members[1]?.signal();
    expect(array.isSignaled).toBe(true);
    expect(DmaFenceArray.create(members, { any: true }).addCallback(() => {})).toBeNull();
  });
});

test("its names, its numbers, its members (F-35)", () => {
  const { bench, members, array } = setup(2);
  const { driverName, timelineName, seqno, isContainer } = array;
  expect([driverName, timelineName, seqno, isContainer]).toEqual(["dma_fence_array", "unbound", 1, true]);
  expect(array.context).toBe(3);
  expect(array.members.map(({ id }) => id)).toEqual(members.map(({ id }) => id));
  const placed = DmaFenceArray.create(members, { context: 77, seqno: 5 });
  expect([placed.context, placed.seqno]).toEqual([77, 5]);
  expect(DmaFenceArray.from(members[0] as DmaFence)).toBeNull();
  expect(DmaFenceArray.from(array)?.members).toHaveLength(2);
  expect(() => DmaFenceArray.create([])).toThrow("an array of no fences (F-35)");
  expect(bench.complaints).toEqual([]);
});

test("a container as a member and no members at all are WARNs (F-35)", () => {
  const { bench, array } = setup(2);
  DmaFenceArray.create([array]);
  bench.pool.arrays.create([], 1, 1, false);
  expect(bench.complaints).toEqual(["F-35 dma_fence_array_create", "F-35 dma_fence_array_create"]);
});

test("it holds its members, and gives them back with itself (F-24)", () => {
  const { bench, members, array } = setup(3);
  for (const member of members) member.put();
  expect(bench.pool.live).toBe(4);
  array.put();
  expect([bench.pool.live, bench.complaints]).toEqual([0, []]);
});

test("it belongs to a context only when all members do (F-23)", () => {
  const bench = new FenceBench();
  const [first, second] = [bench.fence(9, 1), bench.fence(9, 2)];
  const same = DmaFenceArray.create([first, second], { context: 50 });
  const mixed = DmaFenceArray.create([first, bench.fence(10)]);
  expect([same.matchContext(9), same.matchContext(50), mixed.matchContext(9)]).toEqual([true, false, false]);
  expect([first.matchContext(9), first.matchContext(10)]).toEqual([true, false]);
});

test("a deadline goes to every member that is pending (F-28)", () => {
  const bench = new FenceBench();
  const seen: string[] = [];
  const make = (name: string): DmaFence =>
    bench.fence(undefined, 1, { setDeadline: (_, time) => seen.push(`${name}@${time}`) });
  const members = [make("a"), make("b"), make("c"), bench.fence()];
  members[1]?.signal();
  const array = DmaFenceArray.create(members);
  array.setDeadline(500);
  array.setDeadline(400);
  expect(seen).toEqual(["a@500", "c@500", "a@400", "c@400"]);
  for (const member of members) member.signal();
  array.setDeadline(300);
  expect([seen.length, array.isSignaled]).toEqual([4, true]);
});

test("what it is made of is written when it is made, and the work runs on a timeline of its own", () => {
  const bench = new FenceBench();
  bench.simulation.trace.record();
  const members = bench.fences(2);
  const array = DmaFenceArray.create(members);
  array.enableSignaling();
  bench.simulation
    .timer(() => {
      for (const member of members) member.signal();
    })
    .arm(5);
  bench.simulation.run();
  const events = [...bench.simulation.trace.events()];
  const parts = events.filter(({ point }) => point.name === "dma_fence_contents");
  expect(parts.map(String)).toEqual([
    "dma_fence_contents: context=3 seqno=1 part_context=1 part_seqno=1",
    "dma_fence_contents: context=3 seqno=1 part_context=2 part_seqno=1",
  ]);
  const signals = events.filter(({ point }) => point.name === "dma_fence_signaled");
  const [, last, own] = signals as [TraceEvent, TraceEvent, TraceEvent];
  expect(signals.map(({ time, timelineName }) => `${timelineName}@${time}`)).toEqual([
    "timer@5",
    "timer@5",
    "irq_work@5",
  ]);
  const causes = bench.simulation.trace.because(own.seq).map(({ seq }) => seq);
  expect(causes, "the last member's signal is why").toContain(last.seq);
});

test("many arrays share one store without mixing their members", () => {
  const bench = new FenceBench();
  const arrays = Array.from({ length: 200 }, (_, i) => {
    const members = bench.fences(1 + (i % 9));
    const array = DmaFenceArray.create(members);
    for (const member of members) member.put();
    return array;
  });
  for (const [i, array] of arrays.entries()) if (i % 3 === 0) array.put();
  const more = Array.from({ length: 50 }, (_, i) => DmaFenceArray.create(bench.fences(2 + (i % 5))));
  const expected = (i: number): number => 1 + (i % 9);
  for (const [i, array] of arrays.entries()) if (i % 3 !== 0) expect(array.members).toHaveLength(expected(i));
  for (const [i, array] of more.entries()) {
    expect(new Set(array.members.map(({ context }) => context)).size).toBe(2 + (i % 5));
  }
});
