// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import type { Process } from "../../src/sim.ts";
import { type AnyWait, DmaFence, DmaFenceArray } from "../../src/sync.ts";
import { FenceBench } from "./fence-bench.ts";

describe("waiting for any (F-18)", () => {
  test("the first signal ends it, and no callback is left behind", () => {
    const bench = new FenceBench();
    const fences = bench.fences(3);
    bench.simulation.timer(() => fences[1]?.signal()).arm(30);
    const wait = bench.simulation.complete("main", DmaFence.waitAny(fences, { timeout: 100 }));
    expect(wait).toEqual({ left: 70, index: 1 });
    for (const fence of fences) fence.put();
    expect([bench.pool.live, bench.complaints]).toEqual([0, []]);
  });

  test("what has signaled already is found at once, the first in the list", () => {
    const bench = new FenceBench();
    const fences = bench.fences(4);
    fences[3]?.signal();
    fences[2]?.signal();
    const wait = (timeout?: number): AnyWait =>
      bench.simulation.complete("main", DmaFence.waitAny(fences, timeout === undefined ? {} : { timeout }));
    expect([wait(8), wait(0), wait()]).toEqual([
      { left: 8, index: 2 },
      { left: 1, index: 2 },
      { left: Number.POSITIVE_INFINITY, index: 2 },
    ]);
  });

  test("a timeout of 0 asks and hooks nobody; time over is 0 and no index", () => {
    const bench = new FenceBench();
    const fences = bench.fences(2);
    const none = { left: 0, index: -1 };
    expect(bench.simulation.complete("main", DmaFence.waitAny(fences, { timeout: 0 }))).toEqual(none);
    expect(bench.pool.isSignalingEnabled(fences[0]?.id as never)).toBe(false);
    expect(bench.simulation.complete("main", DmaFence.waitAny(fences, { timeout: 50 }))).toEqual(none);
    expect(bench.simulation.now).toBe(50);
  });

  test("no fences and negative timeouts are EINVAL and a WARN; a signal is EINTR", () => {
    const bench = new FenceBench();
    const { simulation, pool } = bench;
    expect(() => simulation.complete("main", pool.waitAny([]))).toThrow("-EINVAL: no fences to wait for");
    const fences = bench.fences(2);
    expect(() => simulation.complete("main", DmaFence.waitAny(fences, { timeout: -1 }))).toThrow("-EINVAL");
    expect(bench.complaints).toEqual(["F-18 dma_fence_wait_any_timeout", "F-15 dma_fence_wait_any_timeout"]);
    const main = function* (): Process<AnyWait> {
      simulation.current?.interrupt();
      return yield* DmaFence.waitAny(fences, { interruptible: true });
    };
    expect(() => simulation.complete("main", main())).toThrow("-EINTR: interrupted: any of the fences mock");
    expect(() => DmaFence.waitAny([])).toThrow(TypeError);
  });

  test("one that never ends says for what it waits", () => {
    const bench = new FenceBench();
    bench.simulation.spawn("main", DmaFence.waitAny([bench.fence(1, 7), bench.fence(1, 8)]));
    expect(bench.simulation.run().blocked.map(({ waitsFor }) => waitsFor)).toEqual([
      "any of the fences mock mock seq 7 unsignalled, mock mock seq 8 unsignalled",
    ]);
  });
});

describe("waiting for all", () => {
  test("one timeout for all of them", () => {
    const bench = new FenceBench();
    const fences = bench.fences(3);
    for (const [i, fence] of fences.entries()) bench.simulation.timer(() => fence.signal()).arm(10 * (3 - i));
    const main = function* (): Process<number[]> {
      const late = yield* DmaFence.waitAll(fences, { timeout: 25 });
      return [late, bench.simulation.now, yield* DmaFence.waitAll(fences, { timeout: 25 })];
    };
    expect(bench.simulation.complete("main", main())).toEqual([0, 25, 20]);
    expect(() => bench.simulation.complete("main", DmaFence.waitAll(fences, { timeout: -3 }))).toThrow(
      "-EINVAL",
    );
  });

  test("an array waits as well", () => {
    const bench = new FenceBench();
    const fences = bench.fences(3);
    const array = DmaFenceArray.create(fences);
    for (const [i, fence] of fences.entries()) bench.simulation.timer(() => fence.signal()).arm(10 * (3 - i));
    expect(bench.simulation.complete("main", array.wait({ timeout: 100 }))).toBe(70);
  });
});

test("the later of a context, or nothing when that is done (F-22)", () => {
  const bench = new FenceBench();
  const [early, late, foreign] = [bench.fence(1, 1), bench.fence(1, 2), bench.fence(2, 9)];
  expect([early.later(late), late.later(early)]).toEqual([late, late]);
  expect([early.isLaterOrSame(early), early.isLaterOrSame(bench.fence(1, 1))]).toEqual([true, false]);
  late.signal();
  expect(early.later(late)).toBeNull();
  expect([early.later(foreign), bench.complaints]).toEqual([null, ["F-21 dma_fence_later"]]);
});

test("a handle without a reference can be taken again as long as the fence is the same one (F-25)", () => {
  const bench = new FenceBench();
  const fence = bench.fence();
  const again = fence.tryGet();
  expect(again?.equals(fence)).toBe(true);
  again?.put();
  fence.put();
  expect(fence.tryGet()).toBeNull();
  const next = bench.fence();
  expect([fence.tryGet(), next.tryGet()?.equals(next)]).toEqual([null, true]);
});

test("names go with the signal where the kernel says so, and stay where it does not (F-26)", () => {
  for (const namesEndAtSignal of [false, true]) {
    const bench = new FenceBench({ namesEndAtSignal });
    const fence = bench.fence();
    expect([fence.driverName, fence.timelineName]).toEqual(["mock", "mock"]);
    fence.signal();
    expect([fence.driverName, fence.timelineName]).toEqual(
      namesEndAtSignal ? ["detached-driver", "signaled-timeline"] : ["mock", "mock"],
    );
  }
});

test("a stub of one's own has a time of one's own (F-27)", () => {
  const bench = new FenceBench();
  const stub = DmaFence.privateStub(bench.pool, 17);
  expect([stub.status, stub.timestamp, stub.context, stub.seqno]).toEqual(["signaled", 17, 0, 0]);
  expect(stub.equals(DmaFence.stub(bench.pool))).toBe(false);
});
