// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { type Process, Simulation } from "../../src/sim.ts";
import { DmaFence, DmaFenceArray, DmaResv, FencePool, ResvPool, type Usage, usages } from "../../src/sync.ts";

function setup() {
  const simulation = new Simulation();
  const fences = new FencePool(simulation);
  const pool = new ResvPool(simulation, fences);
  const mock = { driverName: "mock", timelineName: "mock" };
  const fence = (context = fences.contextAlloc(), seqno = 1): DmaFence =>
    DmaFence.init(fences, mock, context, seqno);
  const object = (...added: readonly (readonly [DmaFence, Usage])[]): DmaResv => {
    const resv = new DmaResv(pool);
    resv.trylock();
    if (added.length > 0) resv.reserveFences(added.length);
    for (const [one, usage] of added) resv.addFence(one, usage);
    resv.unlock();
    return resv;
  };
  const slots = (resv: DmaResv): [number, Usage][] => {
    const found: [number, Usage][] = [];
    resv.trylock();
    resv.forEach("bookkeep", (id, usage) => found.push([id, usage]));
    resv.unlock();
    return found;
  };
  const warnings = () => simulation.diagnostics.entries.map(({ rule, operation }) => `${rule} ${operation}`);
  return { simulation, fences, pool, fence, object, slots, warnings };
}

describe("replaceFences (R-21)", () => {
  test("every fence of the context, whatever its usage and number; no slot is needed; duplicates stay", () => {
    const { simulation, fences, fence, object, slots, warnings } = setup();
    const context = fences.contextAlloc();
    const [early, late, other, preempt] = [fence(context, 1), fence(context, 9), fence(), fence(context, 5)];
    const resv = object([late, "read"], [other, "write"], [early, "bookkeep"]);
    const log: string[] = [];
    simulation.trace.subscribe("*", (event) => log.push(`${event}`));
    resv.trylock();
    log.length = 0;
    resv.replaceFences(context, preempt, "kernel");
    expect(log).toEqual(["dma_resv_replace_fences: resv=0 replaced=1 context=1 seqno=5 usage=kernel"]);
    resv.unlock();
    expect(slots(resv)).toEqual([
      [preempt.id, "kernel"],
      [other.id, "write"],
      [preempt.id, "kernel"],
    ]);
    expect([early, late, other, preempt].map(({ id }) => fences.references(id))).toEqual([1, 1, 2, 3]);
    expect(warnings()).toEqual([]);
  });

  test("replacing a fence by itself keeps it; without the lock it is a WARN", () => {
    const { fences, fence, object, slots, warnings } = setup();
    const one = fence();
    const resv = object([one, "read"]);
    one.put();
    const id = slots(resv)[0]?.[0] as DmaFence["id"];
    resv.replaceFences(one.context, new DmaFence(fences, id), "bookkeep");
    expect([slots(resv), fences.references(id)]).toEqual([[[id, "bookkeep"]], 1]);
    expect(warnings()).toEqual(["R-21 dma_resv_replace_fences"]);
  });

  test("a fence of another simulation is a mistake of the program", () => {
    const { object } = setup();
    expect(() => object().replaceFences(1, setup().fence(), "read")).toThrow(TypeError);
  });
});

describe("copyFences (R-23)", () => {
  test("takes what is pending over, in the place of its own", () => {
    const { fences, fence, object, slots, warnings } = setup();
    const own = fence();
    const all = usages.map((usage) => [fence(), usage] as const);
    const [source, target] = [object(...all), object([own, "write"])];
    all[1]?.[0].signal();
    target.trylock();
    target.copyFences(source);
    target.unlock();
    const kept = all
      .filter(([, usage]) => usage !== "write")
      .map(([{ id }, usage]): [number, Usage] => [id, usage]);
    expect(slots(target)).toEqual(kept);
    expect(slots(source).length).toBe(4);
    expect([own, ...all.map(([one]) => one)].map(({ id }) => fences.references(id))).toEqual([1, 3, 2, 3, 3]);
    expect(warnings()).toEqual([]);
  });

  test("of an object without pending fences there is nothing left, and room for none", () => {
    const { fence, object, slots } = setup();
    const target = object([fence(), "write"]);
    target.trylock();
    target.copyFences(object());
    expect(() => target.addFence(fence(), "read")).toThrow(/BUG/);
    target.unlock();
    expect(slots(target)).toEqual([]);
  });

  test("of itself it drops what is signaled; without the lock it is a WARN", () => {
    const { fences, fence, object, slots, warnings } = setup();
    const [a, b] = [fence(), fence()];
    const resv = object([a, "read"], [b, "write"]);
    a.signal();
    resv.copyFences(resv);
    expect([slots(resv), fences.references(a.id), fences.references(b.id)]).toEqual([
      [[b.id, "write"]],
      1,
      2,
    ]);
    expect(warnings()).toEqual(["R-23 dma_resv_copy_fences"]);
    expect(() => resv.copyFences(setup().object())).toThrow(TypeError);
  });

  test("who iterates the target without the lock begins again", () => {
    const { fence, object } = setup();
    const [a, b] = [fence(), fence()];
    const [source, target] = [object([b, "read"]), object([a, "read"])];
    using cursor = target.iterate("read");
    expect(cursor.first()).toBe(a.id);
    target.trylock();
    target.copyFences(source);
    target.unlock();
    expect([cursor.next(), cursor.isRestarted, cursor.next(), cursor.isRestarted]).toEqual([
      b.id,
      true,
      null,
      false,
    ]);
  });
});

describe("iterating without the lock (R-22)", () => {
  test("the fence it stands on is referenced, and only while it stands on it", () => {
    const { fences, fence, object } = setup();
    const [a, b] = [fence(), fence()];
    const resv = object([a, "write"], [b, "read"]);
    const cursor = resv.iterate("read");
    expect(() => cursor.usage).toThrow(TypeError);
    cursor.first();
    expect([fences.references(a.id), fences.references(b.id)]).toEqual([3, 2]);
    cursor.next();
    expect([fences.references(a.id), fences.references(b.id), cursor.usage]).toEqual([2, 3, "read"]);
    cursor[Symbol.dispose]();
    cursor[Symbol.dispose]();
    expect(fences.references(b.id)).toBe(2);
  });

  test("what is signaled is skipped, and so is what is weaker", () => {
    const { fence, object } = setup();
    const all = usages.map((usage) => [fence(), usage] as const);
    const resv = object(...all);
    all[0]?.[0].signal();
    using cursor = resv.iterate("read");
    expect([cursor.first(), cursor.next(), cursor.next()]).toEqual([all[1]?.[0].id, all[2]?.[0].id, null]);
  });

  test("a wait survives that its fence is replaced and freed meanwhile (R-26)", () => {
    const { simulation, fences, fence, object } = setup();
    const context = fences.contextAlloc();
    const [first, second] = [fence(context, 1), fence(context, 2)];
    const resv = object([first, "write"]);
    const firstId = first.id;
    first.put();
    const replacer = function* (): Process {
      yield 10;
      using _lock = yield* resv.lock();
      resv.addFence(second, "write");
      yield 10;
      fences.signal(firstId);
    };
    simulation.spawn("replacer", replacer());
    const waiter = function* (): Process<number> {
      yield* resv.wait("write");
      return simulation.now;
    };
    expect(simulation.complete("waiter", waiter())).toBe(20);
    expect(fences.live).toBe(1);
  });
});

describe("getFences and getSingleton (R-24, R-25)", () => {
  test("nothing, when nothing is pending", () => {
    const { fence, object } = setup();
    const one = fence();
    const resv = object([one, "write"]);
    one.signal();
    expect([resv.getFences("bookkeep"), resv.getSingleton("bookkeep")]).toEqual([[], null]);
  });

  test("a fence with two usages is there twice", () => {
    const { fences, fence, object } = setup();
    const one = fence();
    const found = object([one, "write"], [one, "read"]).getFences("read");
    expect(found.map(({ id }) => id)).toEqual([one.id, one.id]);
    expect(fences.references(one.id)).toBe(5);
  });

  test("one fence is itself, with a reference", () => {
    const { fences, fence, object } = setup();
    const [one, weaker] = [fence(), fence()];
    const single = object([one, "write"], [weaker, "read"]).getSingleton("write");
    expect([single?.equals(one), fences.references(one.id)]).toEqual([true, 3]);
  });

  test("several are an array with a context of its own, which waits for all and must not go back in (R-19)", () => {
    const { simulation, fences, fence, object, warnings } = setup();
    const [a, b] = [fence(), fence()];
    const resv = object([a, "kernel"], [b, "read"]);
    const array = DmaFenceArray.from(resv.getSingleton("read") as DmaFence) as DmaFenceArray;
    expect([array.context, array.seqno, array.members.map(({ id }) => id)]).toEqual([3, 1, [a.id, b.id]]);
    a.signal();
    expect(array.isSignaled).toBe(false);
    b.signal();
    simulation.run();
    expect(array.isSignaled).toBe(true);
    resv.trylock();
    resv.reserveFences(1);
    resv.addFence(array, "read");
    resv.unlock();
    expect(warnings()).toEqual(["R-19 dma_resv_add_fence"]);
    resv.fini();
    array.put();
    for (const one of [a, b]) one.put();
    expect(fences.live).toBe(0);
  });
});

test("a deadline goes to what is pending of the usage (R-27, F-28)", () => {
  const { fences, object } = setup();
  const log: string[] = [];
  const fence = (timelineName: string): DmaFence => {
    const setDeadline = (_: DmaFence["id"], time: number) => {
      log.push(`${timelineName} ${time}`);
    };
    return DmaFence.init(fences, { driverName: "mock", timelineName, setDeadline }, fences.contextAlloc(), 1);
  };
  const all = usages.map((usage) => [fence(usage), usage] as const);
  const resv = object(...all);
  all[0]?.[0].signal();
  resv.setDeadline("read", 500);
  expect(log).toEqual(["write 500", "read 500"]);
});
