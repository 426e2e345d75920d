// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import type { Process } from "../../src/sim.ts";
import type { WwAlgorithm, WwMutex } from "../../src/sync.ts";
import { answerOf, randomOf, shuffled, type WwFixture, wwFixture } from "./ww-fixture.ts";

// The kernel's own tests of these locks, with tasks for threads and virtual time for the timeouts. What there runs for two
// seconds against the clock runs here for a number of rounds, under many seeds.

const algorithms: WwAlgorithm[] = ["wait-die", "wound-wait"];
const TIMEOUT = 62_500_000;
const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);
const pairs = <A, B>(a: readonly A[], b: readonly B[]): [A, B][] =>
  a.flatMap((x) => b.map((y): [A, B] => [x, y]));

function expectClean({ class: { machine }, locks, warnings }: WwFixture): void {
  expect(locks.some(({ isLocked }) => isLocked)).toBe(false);
  expect([machine.live, warnings()]).toEqual([0, []]);
}

describe.each(algorithms)("%s: mutual exclusion, test_mutex", (algorithm) => {
  const flags = [0, 1, 2, 3, 4, 5, 6, 7].map(
    (bits) => [(bits & 1) > 0, (bits & 2) > 0, (bits & 4) > 0] as const,
  );
  test.each(flags)("the owner polls: %s, the other tries: %s, in a context: %s", (spin, tries, inContext) => {
    const fixture = wwFixture(algorithm, 1);
    const { simulation } = fixture;
    const lock = fixture.locks[0] as WwMutex;
    let entered = Number.NaN;
    const other = function* (): Process {
      if (tries) while (!lock.trylock()) yield 1_000_000;
      else yield* lock.lock();
      entered = simulation.now;
      lock.unlock();
    };
    const main = function* (): Process {
      using context = fixture.class.acquireInit();
      yield* lock.lock({ context: inContext ? context : null });
      simulation.spawn("other", other());
      if (spin) while (Number.isNaN(entered) && simulation.now < TIMEOUT) yield 100_000;
      else yield TIMEOUT;
      expect([entered, lock.trylock()]).toEqual([Number.NaN, false]);
      lock.unlock();
    };
    simulation.complete("main", main());
    expect(entered).toBeGreaterThanOrEqual(TIMEOUT);
    expectClean(fixture);
  });
});

describe.each(pairs(algorithms, ["lock", "trylock"]))("%s: taken twice, test_aa by %s", (algorithm, how) => {
  test("the same context is told EALREADY; trying fails, with the context and without", () => {
    const fixture = wwFixture(algorithm, 1);
    const lock = fixture.locks[0] as WwMutex;
    const main = function* (): Process<(string | boolean)[]> {
      using context = fixture.class.acquireInit();
      if (how === "lock") yield* lock.lock({ context });
      else expect(lock.trylock(context)).toBe(true);
      const answers = [lock.trylock(), lock.trylock(context), yield* answerOf(lock, context)];
      lock.unlock();
      return answers;
    };
    expect(fixture.simulation.complete("main", main())).toEqual([false, false, "EALREADY"]);
    expectClean(fixture);
  });
});

describe.each(
  pairs(algorithms, [
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ] as const),
)(
  "%s: A then B against B then A, test_abba (first by trylock, resolved): %s",
  (algorithm, [tries, resolve]) => {
    test.each(SEEDS)("seed %i", (seed) => {
      const fixture = wwFixture(algorithm, 2);
      const { simulation } = fixture;
      const random = randomOf(seed);
      const [a, b] = fixture.locks as [WwMutex, WwMutex];
      const worker = function* (first: WwMutex, second: WwMutex): Process<string> {
        yield random(5);
        using context = fixture.class.acquireInit();
        if (tries) expect(first.trylock(context)).toBe(true);
        else expect(yield* answerOf(first, context)).toBe("0");
        yield 10 + random(5);
        let answer = yield* answerOf(second, context);
        if (answer === "EDEADLK" && resolve) {
          first.unlock();
          yield* second.lockSlow(context);
          answer = yield* answerOf(first, context);
          if (answer === "0") first.unlock();
          second.unlock();
          return answer;
        }
        if (answer === "0") second.unlock();
        first.unlock();
        return answer;
      };
      const tasks = [simulation.spawn("ab", worker(a, b)), simulation.spawn("ba", worker(b, a))];
      expect(simulation.run().blocked).toEqual([]);
      expect(tasks.map(({ result }) => result).sort()).toEqual(resolve ? ["0", "0"] : ["0", "EDEADLK"]);
      expectClean(fixture);
    });
  },
);

describe.each(algorithms)("%s: each holds one and wants the next one's, test_cycle", (algorithm) => {
  test.each(Array.from({ length: 16 }, (_, i) => i + 2))("%i tasks", (count) => {
    for (const seed of SEEDS) {
      const fixture = wwFixture(algorithm, count);
      const { simulation, locks } = fixture;
      const random = randomOf(seed);
      const worker = function* (number: number): Process<string> {
        const own = locks[number] as WwMutex;
        const next = locks[(number + 1) % count] as WwMutex;
        using context = fixture.class.acquireInit();
        yield* own.lock({ context });
        yield 10 + random(3);
        let wanted: readonly [WwMutex, WwMutex] = [own, next];
        for (;;) {
          const answer = yield* answerOf(wanted[1], context);
          if (answer !== "EDEADLK") break;
          wanted[0].unlock();
          yield* wanted[1].lockSlow(context);
          wanted = [wanted[1], wanted[0]];
        }
        own.unlock();
        next.unlock();
        return "0";
      };
      const tasks = locks.map((_, number) => simulation.spawn(`${number}`, worker(number)));
      expect(simulation.run().blocked).toEqual([]);
      expect(tasks.every(({ result }) => result === "0")).toBe(true);
      expectClean(fixture);
    }
  });
});

describe.each(algorithms)("%s: stress", (algorithm) => {
  type Worker = (fixture: WwFixture, random: (bound: number) => number) => Process;

  /** In a random order, skipping what is held already: the contended one. */
  const inOrder: Worker = function* ({ class: wwClass, locks }, random) {
    const order = shuffled(locks, random);
    using context = wwClass.acquireInit();
    for (let contended: WwMutex | null = null; ; ) {
      if (contended !== null) yield* contended.lockSlow(context);
      const held: WwMutex[] = contended === null ? [] : [contended];
      let refused: WwMutex | null = null;
      for (const lock of order) {
        if (lock === contended) continue;
        if ((yield* answerOf(lock, context)) === "EDEADLK") {
          refused = lock;
          break;
        }
        held.push(lock);
      }
      if (refused === null) yield 1 + random(20);
      for (const lock of held) lock.unlock();
      if (refused === null) return;
      contended = refused;
    }
  };

  /** The contended one is taken slowly and moved to the front. */
  const reorder: Worker = function* ({ class: wwClass, locks }, random) {
    const order = shuffled(locks, random);
    using context = wwClass.acquireInit();
    for (let at = 0; at < order.length; at++) {
      const lock = order[at] as WwMutex;
      if ((yield* answerOf(lock, context)) !== "EDEADLK") continue;
      for (const held of order.slice(0, at)) held.unlock();
      yield* lock.lockSlow(context);
      order.unshift(...order.splice(at, 1));
      at = 0;
    }
    yield 1 + random(20);
    for (const lock of order) lock.unlock();
  };

  /** One lock at a time, without a context. */
  const single: Worker = function* ({ locks }, random) {
    for (let i = 0; i < 20; i++) {
      const lock = locks[random(locks.length)] as WwMutex;
      yield* lock.lock();
      yield 1 + random(5);
      lock.unlock();
    }
  };

  test.each<
    [name: string, locks: number, tasks: number, rounds: number, seeds: number, workers: readonly Worker[]]
  >([
    ["inorder: 16 locks", 16, 8, 6, 10, [inOrder]],
    ["reorder: 16 locks", 16, 8, 6, 10, [reorder]],
    ["all: 2047 locks", 2047, 12, 1, 1, [inOrder, reorder, single]],
  ])("%s, %i tasks more than processors", (_, count, tasks, rounds, seeds, workers) => {
    for (let seed = 0; seed < seeds; seed++) {
      const fixture = wwFixture(algorithm, count);
      const random = randomOf(seed);
      const work = function* (worker: Worker): Process {
        for (let round = 0; round < rounds; round++) {
          yield random(20);
          yield* worker(fixture, random);
        }
      };
      for (let i = 0; i < tasks; i++)
        fixture.simulation.spawn(`${i}`, work(workers[i % workers.length] as Worker));
      expect(fixture.simulation.run().blocked).toEqual([]);
      expectClean(fixture);
    }
  });
});

test("a lock says what it is and who has it, and only the owner gives it back (R-9)", () => {
  const fixture = wwFixture("wound-wait", 1);
  const lock = fixture.locks[0] as WwMutex;
  const holder = function* (): Process {
    using _lock = yield* lock.lock();
    yield 10;
  };
  const other = function* (): Process {
    yield 1;
    expect([lock.describe(), lock.heldBy()]).toEqual(["the lock 0", "holder"]);
    expect(() => lock.unlock()).toThrow("ww_mutex_unlock: BUG: 0 is held by holder (R-9)");
  };
  fixture.simulation.spawn("holder", holder());
  fixture.simulation.complete("other", other());
  expect([lock.heldBy(), fixture.warnings()]).toEqual([null, ["R-9 ww_mutex_unlock"]]);
});
