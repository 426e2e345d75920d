// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { type Process, Simulation } from "../../src/sim.ts";
import { DmaFence, DmaResv, FencePool, lockAll, ResvPool } from "../../src/sync.ts";
import { randomOf, shuffled } from "./ww-fixture.ts";

function setup(count: number) {
  const simulation = new Simulation();
  const pool = new ResvPool(simulation, new FencePool(simulation));
  const resvs = Array.from({ length: count }, (_, i) => new DmaResv(pool, `buffer ${i}`));
  return { simulation, pool, resvs };
}

/** Nothing is locked, no context is left, nothing was complained about. */
function expectClean({ simulation, pool, resvs }: ReturnType<typeof setup>): void {
  expect(resvs.map(({ isLocked }) => isLocked)).not.toContain(true);
  expect([pool.locks.machine.live, simulation.diagnostics.entries]).toEqual([0, []]);
}

describe("lockAll (R-13)", () => {
  test("locks a list, and the end of the scope unlocks it", () => {
    const fixture = setup(3);
    const { simulation, resvs } = fixture;
    const main = function* (): Process {
      using locked = yield* lockAll(resvs, { slots: 1 });
      expect(locked.resvs).toEqual(resvs);
      expect(resvs.every(({ isHeld }) => isHeld)).toBe(true);
      for (const resv of resvs) resv.addFence(DmaFence.stub(fixture.pool.fences), "write");
    };
    simulation.complete("main", main());
    expectClean(fixture);
  });

  test("an empty list is locked at once", () => {
    const { simulation } = setup(0);
    const main = function* (): Process<number> {
      using locked = yield* lockAll([]);
      return locked.resvs.length;
    };
    expect(simulation.complete("main", main())).toBe(0);
  });

  test("an object that is there twice: EALREADY with nothing left locked, or allowed", () => {
    const fixture = setup(2);
    const { simulation, resvs } = fixture;
    const [a, b] = resvs as [DmaResv, DmaResv];
    expect(() => simulation.complete("main", lockAll([a, b, a]))).toThrow(
      "main: drm_exec_lock_obj: -EALREADY: buffer 0 is in the list twice (R-13)",
    );
    expectClean(fixture);
    const main = function* (): Process {
      using locked = yield* lockAll([a, b, a, b], { duplicates: true });
      expect(locked.resvs).toEqual([a, b]);
    };
    simulation.complete("main", main());
    expectClean(fixture);
  });

  test("a duplicate is one as well when it was the contended object", () => {
    for (const duplicates of [true, false]) {
      const fixture = setup(2);
      const { simulation, resvs } = fixture;
      const [a, b] = resvs as [DmaResv, DmaResv];
      const older = function* (): Process {
        using _locked = yield* lockAll([b]);
        yield 10;
      };
      const younger = function* (): Process<unknown> {
        yield 1;
        try {
          using locked = yield* lockAll([a, b, b], { duplicates });
          return [...locked.resvs];
        } catch (error) {
          return (error as Error).message;
        }
      };
      simulation.spawn("older", older());
      const expected = duplicates
        ? [b, a]
        : "drm_exec_lock_obj: -EALREADY: buffer 1 is in the list twice (R-13)";
      expect(simulation.complete("younger", younger())).toEqual(expected);
      expectClean(fixture);
    }
  });

  test("a signal ends the wait, for the first time or after backing off, with nothing left locked", () => {
    for (const first of [0, 1]) {
      const fixture = setup(2);
      const { simulation, resvs } = fixture;
      const older = function* (): Process {
        using _locked = yield* lockAll([resvs[first] as DmaResv]);
        yield 100;
      };
      const younger = function* (): Process<string> {
        yield 1;
        try {
          yield* lockAll(resvs, { interruptible: true });
          return "locked";
        } catch (error) {
          return (error as Error).message;
        }
      };
      simulation.spawn("older", older());
      const task = simulation.spawn("younger", younger());
      simulation.timer(() => task.interrupt()).arm(50);
      simulation.run();
      expect(task.result).toBe(
        `drm_exec_lock_obj: -EINTR: interrupted: the reservation lock of buffer ${first}`,
      );
      expectClean(fixture);
    }
  });

  test("objects of different simulations cannot be locked together", () => {
    const [a] = setup(1).resvs as [DmaResv];
    const [b] = setup(1).resvs as [DmaResv];
    expect(() => lockAll([a, b])).toThrow("drm_exec_lock_obj: objects of different simulations");
  });

  test.each([null, 1, 2, 3])(
    "tasks that lock the same buffers in any order all get them, also with EDEADLK injected (seed %s, R-11)",
    (injection) => {
      for (let seed = 0; seed < 20; seed++) {
        const fixture = setup(6);
        const { simulation, pool, resvs } = fixture;
        pool.locks.injectDeadlocks(injection);
        const random = randomOf(seed);
        const inside = new Map<DmaResv, number>();
        const work = function* (number: number): Process {
          for (let round = 0; round < 4; round++) {
            yield random(30);
            using locked = yield* lockAll(shuffled(resvs, random).slice(random(5)));
            for (const resv of locked.resvs) {
              expect(inside.get(resv)).toBeUndefined();
              inside.set(resv, number);
            }
            yield random(20);
            for (const resv of locked.resvs) inside.delete(resv);
          }
        };
        for (let number = 0; number < 6; number++) simulation.spawn(`${number}`, work(number));
        expect(simulation.run().blocked).toEqual([]);
        expectClean(fixture);
      }
    },
  );
});
