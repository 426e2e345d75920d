// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Process, Simulation } from "../../src/sim.ts";
import { type CallbackId, DmaFence, type FenceOps, FencePool } from "../../src/sync.ts";

// The scenarios of the kernel's fence selftests (drivers/dma-buf/st-dma-fence.c), by their names there.

const mock: FenceOps = { driverName: "mock", timelineName: "mock" };

function setup(): { simulation: Simulation; pool: FencePool; make: () => DmaFence } {
  const simulation = new Simulation();
  const pool = new FencePool(simulation);
  const context = pool.contextAlloc();
  let seqno = 0;
  return { simulation, pool, make: () => DmaFence.init(pool, mock, context, ++seqno) };
}

describe("dma_fence selftests", () => {
  test("sanitycheck", () => {
    const { simulation, pool, make } = setup();
    const fence = make();
    fence.enableSignaling();
    expect(fence.signal()).toBe(true);
    fence.put();
    expect([pool.live, simulation.diagnostics.entries]).toEqual([0, []]);
  });

  test("test_signaling", () => {
    const fence = setup().make();
    expect([fence.isSignaled, fence.signal(), fence.isSignaled, fence.signal()]).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  test("test_add_callback", () => {
    const fence = setup().make();
    let seen = 0;
    expect(fence.addCallback(() => seen++)).not.toBeNull();
    expect(seen).toBe(0);
    fence.signal();
    expect(seen).toBe(1);
  });

  test("test_late_add_callback", () => {
    const fence = setup().make();
    fence.signal();
    expect(fence.addCallback(() => expect.unreachable())).toBeNull();
    fence.signal();
  });

  test("test_rm_callback", () => {
    const fence = setup().make();
    const callback = fence.addCallback(() => expect.unreachable()) as CallbackId;
    expect(fence.removeCallback(callback)).toBe(true);
    expect(fence.removeCallback(callback)).toBe(false);
    fence.signal();
  });

  test("test_late_rm_callback", () => {
    const fence = setup().make();
    let seen = 0;
    const callback = fence.addCallback(() => seen++) as CallbackId;
    fence.signal();
    expect([seen, fence.removeCallback(callback)]).toEqual([1, false]);
  });

  test("test_status", () => {
    const fence = setup().make();
    const before = fence.status;
    fence.signal();
    expect([before, fence.status]).toEqual(["active", "signaled"]);
  });

  test("test_error", () => {
    const fence = setup().make();
    fence.setError("EIO");
    const before = fence.status;
    fence.signal();
    expect([before, fence.status]).toEqual(["active", "EIO"]);
  });

  // The mock's own wait says -ETIME and 0 where the default wait, which is ours, says 0 and 1 (F-16).
  test("test_wait", () => {
    const { simulation, make } = setup();
    const fence = make();
    const main = function* (): Process<number[]> {
      const pending = yield* fence.wait({ timeout: 0 });
      fence.signal();
      return [pending, yield* fence.wait({ timeout: 0 }), yield* fence.wait()];
    };
    expect(simulation.complete("main", main())).toEqual([0, 1, Number.POSITIVE_INFINITY]);
  });

  test("test_wait_timeout", () => {
    const jiffy = 4_000_000;
    const { simulation, make } = setup();
    const fence = make();
    const main = function* (): Process<number[]> {
      const first = yield* fence.wait({ timeout: jiffy });
      simulation.timer(() => fence.signal()).arm(jiffy);
      return [first, yield* fence.wait({ timeout: 2 * jiffy }), yield* fence.wait({ timeout: 5 })];
    };
    expect(simulation.complete("main", main())).toEqual([0, jiffy, 5]);
    expect(simulation.now).toBe(2 * jiffy);
  });

  test("test_stub", () => {
    const { pool } = setup();
    const stubs = Array.from({ length: 64 }, () => DmaFence.stub(pool));
    expect(new Set(stubs.map((stub) => stub.id)).size).toBe(1);
    for (const stub of stubs) {
      const { status, context, seqno, driverName, timelineName } = stub;
      expect([status, context, seqno, driverName, timelineName]).toEqual(["signaled", 0, 0, "stub", "stub"]);
      stub.put();
    }
    expect(DmaFence.stub(pool).isSignaled).toBe(true);
  });
});

/** One thread of race_signal_callback: publishes a fence, takes the peer's, and signals and hooks in an order of its own. */
function* racer(
  { pool, make }: ReturnType<typeof setup>,
  slots: (DmaFence | null)[],
  self: 0 | 1,
  before: boolean,
  pauses: readonly number[],
): Process<{ accepted: number; missed: number; lost: number }> {
  const count = { accepted: 0, missed: 0, lost: 0 };
  for (let i = 0; i + 4 <= pauses.length; i += 4) {
    const mine = make();
    slots[self]?.put();
    slots[self] = mine.get();
    yield pauses[i] as number;
    // The slot may hold a fence whose last reference went while we looked (F-25).
    const peer = slots[1 - self]?.tryGet() ?? null;
    yield pauses[i + 1] as number;
    if (before) mine.signal();
    let seen = false;
    const callback = peer?.addCallback(() => {
      seen = true;
    });
    yield pauses[i + 2] as number;
    if (!before) mine.signal();
    if (callback === null) count.missed++;
    if (peer !== null) {
      if (callback !== null) {
        count.accepted++;
        yield* peer.wait();
        if (!seen) count.lost++;
      }
      peer.put();
    }
    yield pauses[i + 3] as number;
    mine.put();
  }
  expect(pool.live).toBeLessThanOrEqual(4);
  return count;
}

describe("race_signal_callback", () => {
  const pauses = fc.array(fc.nat(3), { minLength: 40, maxLength: 200 });
  test.each([true, false])("signals its own fence before it adds to the peer's: %s", (before) => {
    let [accepted, missed] = [0, 0];
    fc.assert(
      fc.property(pauses, pauses, (first, second) => {
        const world = setup();
        const slots: (DmaFence | null)[] = [null, null];
        const tasks = [
          world.simulation.spawn("thread 0", racer(world, slots, 0, before, first)),
          world.simulation.spawn("thread 1", racer(world, slots, 1, before, second)),
        ];
        expect(world.simulation.run().blocked).toEqual([]);
        for (const { result } of tasks) {
          expect(result.lost).toBe(0);
          accepted += result.accepted;
          missed += result.missed;
        }
        for (const slot of slots) slot?.put();
        expect(world.pool.live).toBe(0);
        expect(world.simulation.diagnostics.entries).toEqual([]);
      }),
      { seed: 20261120, numRuns: 150 },
    );
    // The schedules show both sides of the race.
    expect(Math.min(accepted, missed)).toBeGreaterThan(100);
  });
});
