// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { KernelError } from "../../src/error.ts";
import { type Process, Simulation, type TraceEvent } from "../../src/sim.ts";
import { DmaResv, FencePool, ResvPool, type WwAcquire, WwClass } from "../../src/sync.ts";

function setup() {
  const simulation = new Simulation();
  const pool = new ResvPool(simulation, new FencePool(simulation));
  const [x, y, z] = ["x", "y", "z"].map((name) => new DmaResv(pool, name)) as [DmaResv, DmaResv, DmaResv];
  const warnings = () =>
    simulation.diagnostics.entries.map(({ rule, operation, text }) => `${rule} ${operation}: ${text}`);
  return { simulation, pool, x, y, z, warnings };
}

/** An older task that has `resv` for 100 ns; `then` runs in a younger one that holds `own` and was refused `resv`. */
function refused(
  { simulation, pool }: ReturnType<typeof setup>,
  own: DmaResv,
  resv: DmaResv,
  then: (context: WwAcquire) => Process,
): void {
  const older = function* (): Process {
    using context = pool.acquireInit();
    using _lock = yield* resv.lock({ context });
    yield 100;
  };
  const younger = function* (): Process {
    yield 1;
    const context = pool.acquireInit();
    yield* own.lock({ context });
    expect(yield* resv.acquire({ context })).toBe("deadlock");
    yield* then(context);
    context.fini();
  };
  simulation.spawn("older", older());
  simulation.spawn("younger", younger());
  expect(simulation.run().blocked).toEqual([]);
}

describe("in a context", () => {
  test("EDEADLK, EALREADY and EINTR are thrown with the reason (R-3, R-5, R-6)", () => {
    const fixture = setup();
    const { simulation, pool, x, y } = fixture;
    const messages: string[] = [];
    const holder = function* (): Process {
      using context = pool.acquireInit();
      using _lock = yield* x.lock({ context });
      try {
        yield* x.lock({ context });
      } catch (error) {
        messages.push((error as Error).message);
      }
      yield 100;
    };
    const main = function* (): Process {
      yield 1;
      using context = pool.acquireInit();
      const lock = yield* y.lock({ context });
      try {
        yield* x.lock({ context });
      } catch (error) {
        expect(error).toBeInstanceOf(KernelError);
        messages.push((error as Error).message);
      }
      lock[Symbol.dispose]();
      try {
        yield* x.lockSlow(context, { interruptible: true });
      } catch (error) {
        messages.push((error as Error).message);
      }
      yield* x.lockSlow(context);
      expect([simulation.now, x.lockingContext, context.acquired]).toEqual([100, context, 1]);
      x.unlock();
      expect([x.lockingContext, context.acquired]).toEqual([null, 0]);
    };
    simulation.spawn("holder", holder());
    const task = simulation.spawn("main", main());
    simulation.timer(() => task.interrupt()).arm(50);
    expect(simulation.run().blocked).toEqual([]);
    const lock = "the reservation lock of x";
    expect(messages).toEqual([
      `dma_resv_lock: -EALREADY: the context has ${lock} (R-5)`,
      `dma_resv_lock: -EDEADLK: an older context has the right to ${lock}: unlock all, take this one first (R-6)`,
      `dma_resv_lock_slow_interruptible: -EINTR: interrupted: ${lock}`,
    ]);
    // The second slow lock has nothing to be slow about: the first one took the refusal with it.
    expect(fixture.warnings()).toEqual(["R-6 dma_resv_lock_slow: no lock of the context is contended"]);
  });

  test("who waits with locks held is woken to back off when an older one comes to wait (R-12)", () => {
    const { simulation, pool, x, y, warnings } = setup();
    const log: string[] = [];
    const plain = function* (): Process {
      using _lock = yield* x.lock();
      yield 100;
    };
    const older = function* (): Process {
      using context = pool.acquireInit();
      yield 10;
      using _lock = yield* x.lock({ context });
      log.push(`older ${simulation.now}`);
    };
    const younger = function* (): Process {
      yield 1;
      using context = pool.acquireInit();
      yield* y.lock({ context });
      log.push(`${yield* x.acquire({ context })} ${simulation.now}`);
      y.unlock();
      using _lock = yield* x.lockSlow(context);
      log.push(`younger ${simulation.now}`);
    };
    simulation.spawn("plain", plain());
    simulation.spawn("older", older());
    simulation.spawn("younger", younger());
    expect(simulation.run().blocked).toEqual([]);
    expect(log).toEqual(["deadlock 10", "older 100", "younger 100"]);
    expect(warnings()).toEqual([]);
  });

  test("a stray wake-up ends no wait", () => {
    const { simulation, pool, x } = setup();
    x.trylock();
    const main = function* (): Process<number> {
      using context = pool.acquireInit();
      using _lock = yield* x.lock({ context });
      return simulation.now;
    };
    const task = simulation.spawn("main", main());
    simulation.timer(() => simulation.wake(task)).arm(5);
    simulation.run();
    expect(task.done).toBe(false);
    x.unlock();
    simulation.run();
    expect(task.result).toBe(5);
  });

  test("begin and end are events of the pseudo lock that says its locks have an order (R-2)", () => {
    const { simulation, pool, x } = setup();
    const log: string[] = [];
    simulation.trace.subscribe("*", (event: TraceEvent) =>
      log.push(`${event}`.replace(/ (flags|object)=\S*/g, "")),
    );
    const main = function* (): Process {
      using context = pool.acquireInit();
      expect([context.stamp, context.claim]).toEqual([1, 0]);
      using _lock = yield* x.lock({ context });
    };
    simulation.complete("main", main());
    expect(log).toEqual([
      "lock_acquire: name=reservation_ww_class_acquire lockdep_addr=0 nest_lock=-1",
      "lock_acquired: name=reservation_ww_class_acquire lockdep_addr=0",
      "lock_acquire: name=reservation_ww_class_mutex lockdep_addr=0 nest_lock=0",
      "lock_acquired: name=reservation_ww_class_mutex lockdep_addr=0",
      "lock_release: name=reservation_ww_class_mutex lockdep_addr=0",
      "lock_release: name=reservation_ww_class_acquire lockdep_addr=0",
    ]);
  });
});

describe("what the debug checks say", () => {
  test("another lock before the contended one (R-6)", () => {
    const fixture = setup();
    refused(fixture, fixture.y, fixture.x, function* (context) {
      fixture.y.unlock();
      yield* fixture.z.lock({ context });
      fixture.z.unlock();
    });
    expect(fixture.warnings()).toEqual(["R-6 dma_resv_lock: another lock claimed before the contended one"]);
  });

  test("another one, with the locks still held (R-6)", () => {
    const fixture = setup();
    refused(fixture, fixture.y, fixture.x, function* (context) {
      yield* fixture.z.lock({ context });
      fixture.z.unlock();
      fixture.y.unlock();
    });
    expect(fixture.warnings()).toEqual([
      "R-6 dma_resv_lock: another lock claimed before the contended one",
      "R-6 dma_resv_lock: claimed after EDEADLK with 1 locks of the context held",
    ]);
  });

  test("the slow way with others held (R-6), which is refused again", () => {
    const fixture = setup();
    refused(fixture, fixture.y, fixture.x, function* (context) {
      expect(yield* fixture.x.acquire({ context, slow: true })).toBe("deadlock");
      fixture.y.unlock();
      yield* fixture.x.lockSlow(context);
      fixture.x.unlock();
    });
    expect(fixture.warnings()).toEqual([
      "R-6 dma_resv_lock_slow: claimed after EDEADLK with 1 locks of the context held",
    ]);
  });

  test("the slow way to a lock that was not refused (R-6)", () => {
    const fixture = setup();
    refused(fixture, fixture.y, fixture.x, function* (context) {
      fixture.y.unlock();
      yield* fixture.z.lockSlow(context);
      fixture.z.unlock();
    });
    expect(fixture.warnings()).toEqual([
      "R-6 dma_resv_lock_slow: another lock claimed before the contended one",
    ]);
  });

  test("after EDEADLK the contended lock may be taken the ordinary way, and giving up is fine", () => {
    for (const goesOn of [true, false]) {
      const fixture = setup();
      refused(fixture, fixture.y, fixture.x, function* (context) {
        fixture.y.unlock();
        if (!goesOn) return;
        yield* fixture.x.lock({ context });
        fixture.x.unlock();
      });
      expect(fixture.warnings()).toEqual([]);
    }
  });

  test("done, then lock; done twice; the end with locks held (R-8)", () => {
    const { simulation, pool, x, y, z, warnings } = setup();
    const main = function* (): Process {
      const context = pool.acquireInit();
      yield* x.lock({ context });
      context.done();
      context.done();
      yield* y.lock({ context });
      context.fini();
      expect(() => context.fini()).toThrow("ww_acquire_ctx: used after ww_acquire_fini (R-8)");
      context[Symbol.dispose]();
      // A context that ended too early is no other's number.
      using next = pool.acquireInit();
      yield* z.lock({ context: next });
      expect([x.lockingContext, z.lockingContext, next.acquired]).toEqual([null, next, 1]);
      for (const resv of [x, y, z]) resv.unlock();
      expect(next.acquired).toBe(0);
    };
    simulation.complete("main", main());
    expect(warnings()).toEqual([
      "R-8 ww_acquire_done: called twice",
      "R-8 dma_resv_lock: a lock claimed after ww_acquire_done",
      "R-8 ww_acquire_fini: 2 locks are still held",
    ]);
  });

  test("one's own lock without the context is a deadlock, and a WARN (R-5)", () => {
    const { simulation, pool, x, warnings } = setup();
    const main = function* (): Process {
      using context = pool.acquireInit();
      yield* x.lock({ context });
      yield* x.lock();
    };
    simulation.spawn("main", main());
    expect(simulation.run().blocked.map(({ task, heldBy }) => [task, heldBy])).toEqual([["main", "main"]]);
    expect(warnings()).toEqual(["R-5 dma_resv_lock: the reservation lock of x is held by the same task"]);
  });

  test("a context of another class or another task is a mistake of the program", () => {
    const { simulation, pool, x } = setup();
    const foreign = new WwClass(simulation);
    const outside = pool.acquireInit();
    const main = function* (context: WwAcquire): Process {
      yield* x.lock({ context });
    };
    expect(() => simulation.complete("main", main(foreign.acquireInit()))).toThrow(
      "main: dma_resv_lock: the context is of another class of locks",
    );
    expect(() => simulation.complete("main", main(outside))).toThrow(
      "main: dma_resv_lock: the context belongs to another task",
    );
  });
});
