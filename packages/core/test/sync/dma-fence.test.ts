// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { type Process, Simulation } from "../../src/sim.ts";
import {
  type CallbackId,
  DmaFence,
  dmaFenceSignaled,
  type FenceId,
  type FenceOps,
  FencePool,
  type FenceStatus,
  lockMapAcquire,
} from "../../src/sync.ts";

const mock: FenceOps = { driverName: "mock", timelineName: "mock" };

function setup(ops: Partial<FenceOps> = {}): { simulation: Simulation; pool: FencePool; fence: DmaFence } {
  const simulation = new Simulation();
  const pool = new FencePool(simulation);
  return { simulation, pool, fence: DmaFence.init(pool, { ...mock, ...ops }, pool.contextAlloc(1), 1) };
}

const rules = (simulation: Simulation): string[] =>
  simulation.diagnostics.entries.map(({ rule, operation }) => `${rule} ${operation}`);

describe("G.2, the state table of dma_fence", () => {
  test("pending, add_callback: 0, and the enable operation is called for the first only (F-10, F-11)", () => {
    let enabled = 0;
    const { fence } = setup({ enableSignaling: () => ++enabled > 0 });
    expect([fence.addCallback(() => {}), fence.addCallback(() => {})]).not.toContain(null);
    expect([enabled, fence.status]).toEqual([1, "active"]);
  });

  test("pending, add_callback, enable says false: signaled, -ENOENT (F-10, F-11)", () => {
    const { fence } = setup({ enableSignaling: () => false });
    expect([fence.addCallback(() => expect.unreachable()), fence.status]).toEqual([null, "signaled"]);
  });

  test("pending, is_signaled, the driver says true: signaled (F-7)", () => {
    let done = false;
    const { fence, pool } = setup({ signaled: () => done });
    const seen: string[] = [];
    fence.addCallback((signaled) => seen.push(signaled.status));
    expect(fence.isSignaled).toBe(false);
    done = true;
    expect(pool.describe(fence.id)).toBe("mock mock seq 1 unsignalled");
    expect([fence.isSignaled, seen]).toEqual([true, ["signaled"]]);
  });

  test("pending, set_error: the status stays 0 until the signal (F-6, F-8)", () => {
    const { fence } = setup();
    fence.setError("EIO");
    expect([fence.status, fence.error]).toEqual(["active", "EIO"]);
    fence.signal();
    expect(fence.status).toBe("EIO");
  });

  test("pending, signal: 0, callbacks in order (F-3)", () => {
    const { fence } = setup();
    const seen: number[] = [];
    for (let i = 0; i < 5; i++) fence.addCallback(() => seen.push(i));
    expect([fence.signal(), seen]).toEqual([true, [0, 1, 2, 3, 4]]);
  });

  test("signaled, signal: -EINVAL, and the first timestamp stays (F-3, F-4, F-9)", () => {
    const { simulation, fence } = setup();
    expect(fence.signalTimestamp(7)).toBe(true);
    simulation.run({ until: 20 });
    expect([fence.signal(), fence.signalTimestamp(30), fence.timestamp]).toEqual([false, false, 7]);
  });

  test("signaled, set_error: WARN, stored all the same (F-6)", () => {
    const { simulation, fence } = setup();
    fence.signal();
    fence.setError("EIO");
    expect(rules(simulation)).toEqual(["F-6 dma_fence_set_error"]);
    expect(fence.status).toBe("EIO");
  });

  test("signaled, add_callback: -ENOENT, never called (F-11)", () => {
    const { fence } = setup();
    fence.signal();
    expect(fence.addCallback(() => expect.unreachable())).toBeNull();
    fence.signal();
  });

  test("pending with callbacks, last put: WARN, signaled with -EDEADLK, freed (F-24)", () => {
    const released: FenceId[] = [];
    const { simulation, pool, fence } = setup({ release: (id) => released.push(id) });
    const seen: FenceStatus[] = [];
    const id = fence.id;
    pool.addCallback(id, (freed) => seen.push(pool.status(freed)));
    fence.put();
    expect([seen, released, pool.live]).toEqual([["EDEADLK"], [id], 0]);
    expect(rules(simulation)).toEqual(["F-24 dma_fence_release"]);
    expect(() => fence.status).toThrow("dma_fence: BUG: used after its last reference was put (F-24)");
  });
});

describe("waiting", () => {
  test("negative timeouts are a WARN and EINVAL (F-15)", () => {
    const { simulation, fence } = setup();
    expect(() => simulation.complete("main", fence.wait({ timeout: -1 }))).toThrow(
      "main: dma_fence_wait_timeout: -EINVAL: timeout -1 ns is negative",
    );
    expect(rules(simulation)).toEqual(["F-15 dma_fence_wait_timeout"]);
  });

  test("a signal ends an interruptible wait only; a signaled fence wins over it (F-16)", () => {
    const { simulation, fence } = setup();
    const main = function* (): Process<unknown[]> {
      simulation.current?.interrupt();
      const deaf = yield* fence.wait({ timeout: 5 });
      let error = "";
      try {
        yield* fence.wait({ timeout: 0, interruptible: true });
      } catch (thrown) {
        error = (thrown as Error).message;
      }
      simulation.current?.interrupt();
      fence.signal();
      return [deaf, error, yield* fence.wait({ timeout: 7, interruptible: true })];
    };
    expect(simulation.complete("main", main())).toEqual([
      0,
      "dma_fence_wait_timeout: -EINTR: interrupted: mock mock seq 1 unsignalled",
      7,
    ]);
  });

  test("enables signaling, polling does not (F-14)", () => {
    let enabled = 0;
    const { simulation, fence } = setup({ enableSignaling: () => ++enabled > 0 });
    expect([fence.isSignaled, fence.status, enabled]).toEqual([false, "active", 0]);
    simulation.complete("main", fence.wait({ timeout: 1 }));
    fence.enableSignaling();
    expect(enabled).toBe(1);
  });

  test("keeps the fence alive, and a wake-up that is not the signal's does not end it", () => {
    const { simulation, pool, fence } = setup();
    const id = fence.id;
    const task = simulation.spawn("main", fence.wait({ timeout: 100 }));
    simulation.run({ until: 10 });
    simulation.wake(task);
    fence.put();
    expect(pool.references(id)).toBe(1);
    simulation.timer(() => pool.signal(id)).arm(20);
    simulation.run();
    expect([task.result, pool.live]).toEqual([70, 0]);
  });

  test("for ever is a deadlock that names the fence", () => {
    const { simulation, fence } = setup();
    simulation.spawn("main", fence.wait());
    const [blocked] = simulation.run().blocked;
    expect(blocked).toMatchObject({
      task: "main",
      waitsFor: "fence mock mock seq 1 unsignalled",
      heldBy: null,
    });
  });
});

describe("order and names", () => {
  test("contexts are consecutive from 1; none asked for is a WARN (F-20)", () => {
    const simulation = new Simulation();
    const pool = new FencePool(simulation);
    expect([pool.contextAlloc(3), pool.contextAlloc(1), pool.contextAlloc(0), pool.contextAlloc(1)]).toEqual([
      1, 4, 5, 5,
    ]);
    expect(rules(simulation)).toEqual(["F-20 dma_fence_context_alloc"]);
  });

  test.each([
    [2, 1, true, true],
    [1, 2, false, false],
    [5, 5, false, false],
    [0, 0xffffffff, true, false],
    [0xffffffff, 0, false, true],
    [0x8000_0000, 0, false, true],
    [0x1_0000_0001, 0xffff_ffff, true, true],
    [0x1_0000_0000, 1, false, true],
  ])("seqno %d after %d: %s with 32 bits, %s with 64 (F-21)", (a, b, later32, later64) => {
    const { pool } = setup();
    for (const [seqno64, later] of [
      [false, later32],
      [true, later64],
    ] as const) {
      const ops = { ...mock, seqno64 };
      const [first, second] = [DmaFence.init(pool, ops, 5, a), DmaFence.init(pool, ops, 5, b)];
      expect(first.isLater(second)).toBe(later);
      expect(first.isLaterOrSame(second)).toBe(later);
      expect(first.isLaterOrSame(first)).toBe(true);
    }
  });

  test("fences of different contexts have no order: WARN and false (F-21)", () => {
    const { simulation, pool, fence } = setup();
    expect(fence.isLater(DmaFence.init(pool, mock, 77, 0))).toBe(false);
    expect(rules(simulation)).toEqual(["F-21 dma_fence_is_later"]);
  });

  test("describe prints driver, timeline, seq and state (F-29)", () => {
    const { fence } = setup();
    expect(fence.describe()).toBe("mock mock seq 1 unsignalled");
    fence.signal();
    expect(fence.describe()).toBe("mock mock seq 1 signalled");
  });
});

describe("misuse", () => {
  test("operations without names are a BUG (F-1)", () => {
    const { pool } = setup();
    expect(() => DmaFence.init(pool, { driverName: "mock" } as never, 1, 1)).toThrow(
      "dma_fence_init: BUG: operations without names (F-1)",
    );
  });

  test("the timestamp of a pending fence is a WARN and now (F-9)", () => {
    const { simulation, fence } = setup();
    simulation.run({ until: 12 });
    expect(fence.timestamp).toBe(12);
    expect(rules(simulation)).toEqual(["F-9 dma_fence_timestamp"]);
  });

  test("signaling from inside enable_signaling is a BUG: the lock is held (F-10)", () => {
    const { pool, fence } = setup({ enableSignaling: (id) => pool.signal(id) });
    expect(() => fence.addCallback(() => {})).toThrow(/^dma_fence_signal: BUG: .*lock is held \(F-10\)$/);
  });

  test("removing a callback of the same fence from a callback is a WARN and works (F-12)", () => {
    const { simulation, fence } = setup();
    const outcome: unknown[] = [];
    fence.addCallback(() =>
      outcome.push(
        fence.addCallback(() => {}),
        fence.removeCallback(second),
      ),
    );
    const second = fence.addCallback(() => expect.unreachable()) as CallbackId;
    fence.signal();
    expect(outcome).toEqual([null, true]);
    expect(rules(simulation)).toEqual(["F-12 dma_fence_remove_callback"]);
  });

  test("a callback may signal other fences, and put the last reference of its own (F-12)", () => {
    const { simulation, pool, fence } = setup();
    const other = DmaFence.init(pool, mock, 2, 1);
    const seen: string[] = [];
    other.addCallback(() => seen.push("other"));
    fence.addCallback((own) => {
      other.signal();
      own.put();
    });
    fence.addCallback(() => seen.push("last"));
    fence.signal();
    expect([seen, pool.live, rules(simulation)]).toEqual([["other", "last"], 1, []]);
  });

  test("one put too many is a BUG, and a freed handle is not the slot's next fence (F-24)", () => {
    const { pool, fence } = setup();
    const id = fence.id;
    const second = fence.get();
    expect(second.equals(fence)).toBe(true);
    second.put();
    fence.put();
    expect(() => pool.put(id)).toThrow(/BUG: reference put that was never taken \(F-24\)/);
    const { fence: elsewhere } = setup();
    const next = DmaFence.init(pool, mock, 1, 2);
    expect(next.id).toBe(id);
    expect(() => fence.signal()).toThrow(TypeError);
    expect(next.equals(elsewhere)).toBe(false);
  });

  test("a handle gives its reference back at the end of its scope", () => {
    const { pool, fence } = setup();
    {
      using scoped = fence.get();
      expect(pool.references(scoped.id)).toBe(2);
    }
    expect(pool.references(fence.id)).toBe(1);
  });
});

test("thousands of fences with several callbacks each keep them apart (F-3)", () => {
  const { pool } = setup();
  const count = 3000;
  const ids = Array.from({ length: count }, (_, seqno) => pool.init(mock, 1, seqno));
  const seen: number[] = [];
  const callback = (fence: FenceId, data: number): void => {
    expect(pool.seqno(fence)).toBe(data % count);
    seen.push(data);
  };
  const added = [0, 1, 2].map((round) =>
    ids.map((id, seqno) => pool.addCallback(id, callback, round * count + seqno)),
  );
  for (const [seqno, id] of ids.entries()) {
    if (seqno % 2 === 0) expect(pool.removeCallback(id, added[1]?.[seqno] as CallbackId)).toBe(true);
  }
  for (const id of ids.toReversed()) pool.signal(id);
  const rounds = (seqno: number): number[] => (seqno % 2 === 0 ? [0, 2] : [0, 1, 2]);
  const expected = [...ids.keys()].toReversed();
  expect(seen).toEqual(expected.flatMap((seqno) => rounds(seqno).map((round) => round * count + seqno)));
  for (const id of ids) pool.put(id);
  // One fence is left: that of the setup.
  expect(pool.live).toBe(1);
});

test("a callback that was taken back cannot be taken back again, whoever is queued in its place (F-13)", () => {
  const { fence } = setup();
  let seen = 0;
  const first = fence.addCallback(() => expect.unreachable()) as CallbackId;
  fence.removeCallback(first);
  fence.addCallback(() => seen++);
  expect(fence.removeCallback(first)).toBe(false);
  fence.signal();
  expect(seen).toBe(1);
});

test("a wait that timed out leaves no callback behind (F-16, F-24)", () => {
  const { simulation, pool, fence } = setup();
  simulation.complete("main", fence.wait({ timeout: 5 }));
  fence.put();
  expect([rules(simulation), pool.live]).toEqual([[], 0]);
});

test.each([
  ["unwatched", false],
  ["with the locks watched", true],
])("what sees the signal in the trace may still take the callback back, %s (F-13)", (_, watched) => {
  const { simulation, fence } = setup();
  if (watched) simulation.trace.subscribe(lockMapAcquire, () => {});
  const id = fence.addCallback(() => expect.unreachable()) as CallbackId;
  const removed: boolean[] = [];
  simulation.trace.subscribe(dmaFenceSignaled, () => {
    removed.push(fence.removeCallback(id));
  });
  expect([fence.signal(), removed, fence.status]).toEqual([true, [true], "signaled"]);
});
