// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { type Process, Simulation } from "../../src/sim.ts";
import { DmaFence, DmaResv, FencePool, ResvPool, type Usage, usageRw, usages } from "../../src/sync.ts";

const mock = { driverName: "mock", timelineName: "mock" };

interface Setup {
  readonly simulation: Simulation;
  readonly pool: FencePool;
  readonly resvs: ResvPool;
  readonly resv: DmaResv;
  /** A pending fence of a context of its own, or of the one given. */
  fence(context?: number, seqno?: number): DmaFence;
  /** Adds fences under the lock, with slots reserved. */
  add(...fences: readonly (readonly [DmaFence, Usage])[]): void;
  /** Index and usage of every entry. */
  slots(): [id: number, usage: Usage][];
}

function setup(): Setup {
  const simulation = new Simulation();
  const pool = new FencePool(simulation);
  const resvs = new ResvPool(simulation, pool);
  const resv = new DmaResv(resvs, "samples#0");
  const locked = <T>(act: () => T): T => {
    expect(resv.trylock()).toBe(true);
    try {
      return act();
    } finally {
      resv.unlock();
    }
  };
  return {
    simulation,
    pool,
    resvs,
    resv,
    fence: (context = pool.contextAlloc(1), seqno = 1) => DmaFence.init(pool, mock, context, seqno),
    add: (...fences) =>
      locked(() => {
        resv.reserveFences(fences.length);
        for (const [fence, usage] of fences) resv.addFence(fence, usage);
      }),
    slots: () =>
      locked(() => {
        const found: [number, Usage][] = [];
        resv.forEach("bookkeep", (fence, usage) => found.push([fence, usage]));
        return found;
      }),
  };
}

const rules = (simulation: Simulation): string[] =>
  simulation.diagnostics.entries.map(({ rule, operation }) => `${rule} ${operation}`);

describe("A.5, who waits for what of {K1, W1, R1, B1}", () => {
  test.each<[string, Usage, string]>([
    ["begin_cpu_access(FROM), poll IN, EXPORT READ, a reader's job (B-50, R-16)", usageRw(false), "KW"],
    [
      "begin_cpu_access(TO or BIDI), poll OUT, EXPORT WRITE, a writer's job (B-50, R-16)",
      usageRw(true),
      "KWR",
    ],
    ["a static importer's map_attachment (R-15)", "kernel", "K"],
    ["eviction, free, revoke (R-30)", "bookkeep", "KWRB"],
  ])("%s", (_, usage, expected) => {
    const { simulation, resv, fence, add } = setup();
    const all = usages.map((of) => [fence(), of] as const);
    add(...all);
    const waitedFor = (names: string): DmaFence[] =>
      all.filter(([, of]) => names.includes(of.charAt(0).toUpperCase())).map(([one]) => one);
    const task = simulation.spawn("waiter", resv.wait(usage));
    for (const one of waitedFor(expected)) {
      simulation.run();
      expect([task.done, resv.testSignaled(usage)]).toEqual([false, false]);
      one.signal();
    }
    simulation.run();
    expect([task.done, resv.testSignaled(usage), resv.firstPending(usage)]).toEqual([true, true, null]);
    expect(all.filter(([one]) => one.isSignaled).length).toBe(expected.length);
  });
});

describe("A.5, add_fence replaces (R-19, R-20)", () => {
  test.each<[string, [number, Usage], [number, Usage], string[]]>([
    ["a later read replaces a read", [1, "read"], [2, "read"], ["2 read"]],
    ["a later read does not replace a write", [1, "write"], [2, "read"], ["1 write", "2 read"]],
    ["a later write replaces a read: promotion (R-17)", [1, "read"], [2, "write"], ["2 write"]],
    ["an earlier write does not replace a later read", [2, "read"], [1, "write"], ["2 read", "1 write"]],
    ["kernel replaces bookkeep", [1, "bookkeep"], [2, "kernel"], ["2 kernel"]],
    ["bookkeep does not replace kernel", [1, "kernel"], [2, "bookkeep"], ["1 kernel", "2 bookkeep"]],
    [
      "a later seqno across the wrap replaces (F-21)",
      [0xffffffff, "read"],
      [0x1_0000_0000, "read"],
      ["4294967296 read"],
    ],
  ])("%s", (_, [seqno, usage], [nextSeqno, nextUsage], expected) => {
    const { pool, fence, add, slots } = setup();
    const context = pool.contextAlloc(1);
    add([fence(context, seqno), usage]);
    add([fence(context, nextSeqno), nextUsage]);
    expect(slots().map(([id, of]) => `${pool.seqno(id as DmaFence["id"])} ${of}`)).toEqual(expected);
  });

  test("the same fence added again is promoted, never demoted (R-17)", () => {
    const { fence, add, slots } = setup();
    const one = fence();
    add([one, "read"]);
    add([one, "write"]);
    expect(slots()).toEqual([[one.id, "write"]]);
    add([one, "read"]);
    expect(slots()).toEqual([
      [one.id, "write"],
      [one.id, "read"],
    ]);
  });

  test("fences of other contexts stay, and a signaled one is replaced by anybody, the first one first", () => {
    const { fence, add, slots } = setup();
    const [a, b, c, d] = [fence(), fence(), fence(), fence()];
    add([a, "kernel"], [b, "write"], [c, "read"]);
    b.signal();
    c.signal();
    add([d, "bookkeep"]);
    expect(slots()).toEqual([
      [a.id, "kernel"],
      [d.id, "bookkeep"],
      [c.id, "read"],
    ]);
  });

  test("takes a reference and gives it back on replacement and at the end (R-19, R-28)", () => {
    const { pool, resv, fence, add } = setup();
    const context = pool.contextAlloc(1);
    const [first, second] = [fence(context, 1), fence(context, 2)];
    const firstId = first.id;
    add([first, "write"]);
    first.put();
    expect(pool.references(firstId)).toBe(1);
    add([second, "write"]);
    expect([pool.live, pool.references(second.id)]).toEqual([1, 2]);
    second.signal();
    second.put();
    resv.fini();
    expect(pool.live).toBe(0);
    expect(() => resv.testSignaled("read")).toThrow("dma_resv: BUG: used after dma_resv_fini (R-28)");
  });
});

describe("the kernel's own resv selftests, for every usage", () => {
  test.each(usages)("%s: signaling and iteration (R-22, R-27)", (usage) => {
    const { simulation, resv, fence, add, slots } = setup();
    const one = fence();
    add([one, usage]);
    expect([resv.testSignaled(usage), resv.firstPending(usage)?.id]).toEqual([false, one.id]);
    expect(slots()).toEqual([[one.id, usage]]);
    one.signal();
    expect([resv.testSignaled(usage), resv.firstPending(usage)]).toEqual([true, null]);
    // The locked iteration shows signaled fences as well.
    expect(slots()).toEqual([[one.id, usage]]);
    resv.fini();
    expect(rules(simulation)).toEqual([]);
  });
});

describe("slots (R-9, R-18, R-19)", () => {
  test("no reservation at all is a BUG", () => {
    const { resv, fence } = setup();
    resv.trylock();
    expect(() => resv.addFence(fence(), "read")).toThrow(
      "dma_resv_add_fence: BUG: no slot is reserved in samples#0 (R-19)",
    );
  });

  test("a reservation does not survive the unlock (R-9)", () => {
    const { simulation, resv, fence } = setup();
    resv.trylock();
    resv.reserveFences(4);
    resv.unlock();
    resv.trylock();
    expect(() => resv.addFence(fence(), "read")).toThrow(/BUG: no slot is reserved/);
    expect(rules(simulation)).toEqual(["R-19 dma_resv_add_fence"]);
  });

  test("what fits by luck only is a WARN, what does not a BUG", () => {
    const { simulation, resv, fence } = setup();
    resv.trylock();
    resv.reserveFences(1);
    resv.addFence(fence(), "read");
    expect(rules(simulation)).toEqual([]);
    for (let i = 1; i < 4; i++) resv.addFence(fence(), "read");
    expect(rules(simulation)).toEqual(["R-18 dma_resv_add_fence"]);
    expect(() => resv.addFence(fence(), "read")).toThrow(/BUG/);
  });

  test("reservations in one locked stretch do not add up: each is for so many more than there are (R-18)", () => {
    const { simulation, resv, fence } = setup();
    resv.trylock();
    resv.reserveFences(3);
    resv.reserveFences(1);
    for (let i = 0; i < 3; i++) resv.addFence(fence(), "read");
    expect(rules(simulation)).toEqual([]);
    resv.addFence(fence(), "read");
    expect(rules(simulation)).toEqual(["R-18 dma_resv_add_fence"]);
  });

  test("growing drops signaled fences and keeps the others in order; their references are put", () => {
    const { pool, resv, fence, add, slots } = setup();
    const fences = Array.from({ length: 4 }, () => fence());
    add(...fences.map((one) => [one, "read"] as const));
    for (const one of fences) one.put();
    pool.signal(slots()[1]?.[0] as DmaFence["id"]);
    expect(pool.live).toBe(4);
    resv.trylock();
    resv.reserveFences(1);
    resv.unlock();
    expect(pool.live).toBe(3);
    expect(slots().map(([id]) => id)).toEqual([0, 2, 3]);
  });

  test("reserving none is a WARN and -EINVAL (R-18)", () => {
    const { simulation, resv } = setup();
    resv.trylock();
    expect([resv.reserveFences(0), resv.reserveFences(1)]).toEqual([false, true]);
    expect(rules(simulation)).toEqual(["R-18 dma_resv_reserve_fences"]);
  });

  test("many objects of many sizes share one arena without touching each other", () => {
    const { resvs, fence } = setup();
    const objects = Array.from({ length: 50 }, (_, i) => new DmaResv(resvs, `buffer ${i}`));
    const expected = objects.map(() => [] as number[]);
    for (let round = 0; round < 12; round++) {
      for (const [i, object] of objects.entries()) {
        object.trylock();
        for (let n = 0; n < (i * 7 + round) % 5; n++) {
          const one = fence();
          object.reserveFences(1);
          object.addFence(one, "write");
          expected[i]?.push(one.id);
        }
        object.unlock();
      }
    }
    for (const [i, object] of objects.entries()) {
      object.trylock();
      expect(object.fences("bookkeep").map(({ id }) => id)).toEqual(expected[i]);
      object.unlock();
      object.fini();
    }
    const again = new DmaResv(resvs);
    expect([again.name, again.testSignaled("bookkeep")]).toEqual([`resv ${again.index}`, true]);
  });
});

describe("waiting (R-26)", () => {
  test("a timeout of 0 is a poll: 1 or 0; else what is left", () => {
    const { simulation, resv, fence, add } = setup();
    const [a, b] = [fence(), fence()];
    const main = function* (): Process<number[]> {
      const empty = [yield* resv.wait("read", { timeout: 0 }), yield* resv.wait("read")];
      add([a, "write"], [b, "read"]);
      const poll = yield* resv.wait("read", { timeout: 0 });
      simulation.timer(() => a.signal()).arm(10);
      simulation.timer(() => b.signal()).arm(30);
      const ended = yield* resv.wait("read", { timeout: 100 });
      return [...empty, poll, ended];
    };
    expect(simulation.complete("main", main())).toEqual([1, Number.POSITIVE_INFINITY, 0, 70]);
  });

  test("the timeout is one for all fences together", () => {
    const { simulation, resv, fence, add } = setup();
    const [a, b] = [fence(), fence()];
    add([a, "write"], [b, "read"]);
    simulation.timer(() => a.signal()).arm(10);
    simulation.timer(() => b.signal()).arm(30);
    const main = function* (): Process<number[]> {
      return [yield* resv.wait("read", { timeout: 25 }), simulation.now];
    };
    expect(simulation.complete("main", main())).toEqual([0, 25]);
  });

  test("a signal ends an interruptible wait; a negative timeout is EINVAL", () => {
    const { simulation, resv, fence, add } = setup();
    add([fence(), "write"]);
    const task = simulation.spawn("main", resv.wait("read", { interruptible: true }));
    simulation.timer(() => task.interrupt()).arm(1);
    expect(() => simulation.run()).toThrow(/^main: dma_fence_wait_timeout: -EINTR/);
    expect(() => simulation.complete("main", resv.wait("read", { timeout: -1 }))).toThrow(/-EINVAL/);
  });

  test("a fence added in place meanwhile is not waited for; one that took a new table is (R-22)", () => {
    for (const [before, ends] of [
      [1, 10],
      [4, 50],
    ] as const) {
      const { simulation, resv, fence, add } = setup();
      const early = Array.from({ length: before }, () => fence());
      add(...early.map((one) => [one, "write"] as const));
      const late = fence();
      const adder = function* (): Process {
        yield 5;
        add([late, "write"]);
        yield 5;
        for (const one of early) one.signal();
        yield 40;
        late.signal();
      };
      simulation.spawn("adder", adder());
      const waiter = function* (): Process<number> {
        yield* resv.wait("write");
        return simulation.now;
      };
      expect(simulation.complete("waiter", waiter())).toBe(ends);
    }
  });
});

describe("describing (R-28)", () => {
  test("names usage and fence of all but bookkeep", () => {
    const { resv, fence, add } = setup();
    const all = usages.map((usage) => [fence(), usage] as const);
    add(...all);
    all[1]?.[0].signal();
    expect(resv.describeFences()).toEqual([
      "kernel fence: mock mock seq 1 unsignalled",
      "write fence: mock mock seq 1 signalled",
      "read fence: mock mock seq 1 unsignalled",
    ]);
  });
});
