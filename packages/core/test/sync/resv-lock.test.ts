// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { type Process, Simulation, type TraceEvent } from "../../src/sim.ts";
import { DmaFence, DmaResv, FencePool, ResvPool } from "../../src/sync.ts";

function setup(): { simulation: Simulation; resv: DmaResv; other: DmaResv } {
  const simulation = new Simulation();
  const resvs = new ResvPool(simulation, new FencePool(simulation));
  return { simulation, resv: new DmaResv(resvs, "samples#0"), other: new DmaResv(resvs, "samples#1") };
}

const rules = (simulation: Simulation): string[] =>
  simulation.diagnostics.entries.map(({ rule, operation }) => `${rule} ${operation}`);

describe("the reservation lock without a context (R-5, G.3)", () => {
  test("a free lock is taken at once; waiters are served in the order in which they came", () => {
    const { simulation, resv } = setup();
    const log: string[] = [];
    const worker = function* (name: string, at: number): Process {
      yield at;
      yield* resv.lock();
      log.push(`${name}+${simulation.now}`);
      yield 10;
      expect([resv.isLocked, resv.isHeld, resv.heldBy()]).toEqual([true, true, name]);
      log.push(`${name}-${simulation.now}`);
      resv.unlock();
    };
    simulation.spawn("c", worker("c", 2));
    simulation.spawn("a", worker("a", 0));
    simulation.spawn("b", worker("b", 1));
    expect(simulation.run().blocked).toEqual([]);
    expect(log).toEqual(["a+0", "a-10", "b+10", "b-20", "c+20", "c-30"]);
    expect([resv.isLocked, resv.isHeld, resv.heldBy()]).toEqual([false, false, null]);
  });

  test("`using` unlocks at the end of the scope, also after an error", () => {
    const { simulation, resv } = setup();
    const main = function* (): Process {
      try {
        using _lock = yield* resv.lock();
        expect(resv.isHeld).toBe(true);
        throw new Error("no");
      } catch {
        expect(resv.isLocked).toBe(false);
      }
    };
    simulation.complete("main", main());
  });

  test("a signal ends an interruptible wait for it, and the place in the queue is given up", () => {
    const { simulation, resv } = setup();
    const log: string[] = [];
    const holder = function* (): Process {
      yield* resv.lock();
      yield 10;
      resv.unlock();
    };
    const waiter = function* (name: string): Process {
      yield 1;
      try {
        yield* resv.lock({ interruptible: true });
        log.push(`${name} has it`);
        resv.unlock();
      } catch (error) {
        log.push(`${name}: ${(error as Error).message}`);
      }
    };
    simulation.spawn("holder", holder());
    const first = simulation.spawn("first", waiter("first"));
    simulation.spawn("second", waiter("second"));
    simulation.timer(() => first.interrupt()).arm(5);
    expect(simulation.run().blocked).toEqual([]);
    expect(log).toEqual([
      "first: dma_resv_lock_interruptible: -EINTR: interrupted: the reservation lock of samples#0",
      "second has it",
    ]);
  });

  test("a stray wake-up does not hand over the lock, and an interrupt after the hand-over does not lose it", () => {
    const { simulation, resv } = setup();
    const waiter = function* (): Process<number> {
      yield* resv.lock({ interruptible: true });
      return simulation.now;
    };
    resv.trylock();
    const task = simulation.spawn("waiter", waiter());
    simulation.timer(() => simulation.wake(task)).arm(5);
    simulation.run();
    expect(task.done).toBe(false);
    resv.unlock();
    task.interrupt();
    simulation.run();
    expect([task.result, resv.heldBy()]).toEqual([5, "waiter"]);
  });

  test("taking it twice waits for ever, after a WARN (R-5)", () => {
    const { simulation, resv } = setup();
    const main = function* (): Process {
      yield* resv.lock();
      yield* resv.lock();
    };
    const task = simulation.spawn("main", main());
    // A stray wake-up does not make it the second owner of its own lock.
    simulation.timer(() => simulation.wake(task)).arm(5);
    const [blocked] = simulation.run().blocked;
    expect(blocked).toMatchObject({
      task: "main",
      waitsFor: "the reservation lock of samples#0",
      heldBy: "main",
    });
    expect(rules(simulation)).toEqual(["R-5 dma_resv_lock"]);
  });

  test("two tasks that lock in opposite orders are a deadlock that names both", () => {
    const { simulation, resv, other } = setup();
    const worker = function* (first: DmaResv, second: DmaResv): Process {
      yield* first.lock();
      yield 1;
      yield* second.lock();
    };
    simulation.spawn("a", worker(resv, other));
    simulation.spawn("b", worker(other, resv));
    expect(simulation.run().blocked.map(({ task, waitsFor, heldBy }) => [task, waitsFor, heldBy])).toEqual([
      ["a", "the reservation lock of samples#1", "b"],
      ["b", "the reservation lock of samples#0", "a"],
    ]);
  });
});

describe("trylock and unlock", () => {
  test("trylock takes a free lock only, and not one's own again (R-7)", () => {
    const { simulation, resv } = setup();
    expect([resv.trylock(), resv.trylock()]).toEqual([true, false]);
    resv.unlock();
    expect([resv.trylock(), rules(simulation)]).toEqual([true, []]);
  });

  test("in atomic context it is a BUG (R-10)", () => {
    const { simulation, resv } = setup();
    simulation.timer(() => resv.trylock()).arm(1);
    expect(() => simulation.run()).toThrow(
      "timer: dma_resv_trylock: BUG: a sleeping lock taken in atomic context (R-10)",
    );
  });

  test("only the owner unlocks (R-9), and nobody finishes a locked object (R-28)", () => {
    const { simulation, resv } = setup();
    const main = function* (): Process {
      yield* resv.lock();
    };
    expect(() => resv.unlock()).toThrow("dma_resv_unlock: BUG: samples#0 is held by nobody (R-9)");
    simulation.complete("main", main());
    expect(() => resv.unlock()).toThrow("dma_resv_unlock: BUG: samples#0 is held by main (R-9)");
    expect(() => resv.fini()).toThrow("dma_resv_fini: BUG: main has it (R-28)");
  });

  test("taking and giving back are events", () => {
    const { simulation, resv } = setup();
    const log: string[] = [];
    simulation.trace.subscribe("*", (event: TraceEvent) => log.push(`${event.timelineName} ${event}`));
    const main = function* (): Process {
      yield* resv.lock();
      resv.unlock();
    };
    simulation.complete("main", main());
    expect(log).toEqual([
      "main lock_acquire: flags=0 name=reservation_ww_class_mutex lockdep_addr=0 nest_lock=-1 object=samples#0",
      "main lock_acquired: name=reservation_ww_class_mutex lockdep_addr=0",
      "main lock_release: name=reservation_ww_class_mutex lockdep_addr=0",
    ]);
  });
});

describe("assertions (1.15)", () => {
  test("held: a WARN that names the rule, the operation and the owner; then the program goes on", () => {
    const { simulation, resv } = setup();
    expect(resv.assertHeld("B-32", "dma_buf_map_attachment")).toBe(false);
    resv.trylock();
    expect(resv.assertHeld("B-32", "dma_buf_map_attachment")).toBe(true);
    const main = function* (): Process {
      yield 1;
      expect(resv.assertHeld("B-31", "dma_buf_pin")).toBe(false);
    };
    simulation.complete("main", main());
    expect(simulation.diagnostics.entries.map(({ rule, text }) => `${rule}: ${text}`)).toEqual([
      "B-32: called without the reservation lock of samples#0 (nobody has it)",
      "B-31: called without the reservation lock of samples#0 (setup has it)",
    ]);
  });

  test("not held: a WARN when the caller itself has it, not when somebody else has", () => {
    const { simulation, resv } = setup();
    resv.trylock();
    expect(resv.assertNotHeld("B-50", "dma_buf_begin_cpu_access")).toBe(false);
    const main = function* (): Process<boolean> {
      yield 1;
      return resv.assertNotHeld("B-50", "dma_buf_begin_cpu_access");
    };
    expect(simulation.complete("main", main())).toBe(true);
    expect(rules(simulation)).toEqual(["B-50 dma_buf_begin_cpu_access"]);
  });

  test("reserving, adding and iterating without the lock are WARNs (R-18, R-19, R-22)", () => {
    const { simulation, resv } = setup();
    const pool = new FencePool(simulation);
    expect(() => resv.addFence(DmaFence.stub(pool), "read")).toThrow(TypeError);
    resv.reserveFences(1);
    resv.forEach("bookkeep", () => {});
    expect(rules(simulation)).toEqual(["R-18 dma_resv_reserve_fences", "R-22 dma_resv_iter_first"]);
  });
});
