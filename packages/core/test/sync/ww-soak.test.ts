// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import type { Process } from "../../src/sim.ts";
import type { WwAcquire, WwAlgorithm, WwMutex } from "../../src/sync.ts";
import { randomOf, shuffled, type WwFixture, wwFixture } from "./ww-fixture.ts";

// Random tasks under random schedules: who locks, tries, is refused, backs off, is interrupted or gives up at random.
// DMABUF_SOAK is the number of operations of a class; a million takes two minutes.

const OPERATIONS = Number(process.env["DMABUF_SOAK"] ?? 20_000);
const PER_RUN = 2_000;
const [LOCKS, TASKS] = [12, 10];

interface Soak extends WwFixture {
  readonly algorithm: WwAlgorithm;
  readonly random: (bound: number) => number;
  /** Contexts between their begin and their end. */
  readonly open: Set<WwAcquire>;
  /** Who is inside of each lock, by the tasks' own word. */
  readonly inside: Map<WwMutex, number>;
  operations: number;
}

function enter({ inside }: Soak, lock: WwMutex, task: number): void {
  expect(inside.get(lock)).toBeUndefined();
  inside.set(lock, task);
}

function leave({ inside }: Soak, lock: WwMutex): void {
  inside.delete(lock);
  lock.unlock();
}

/** Takes random locks in a context, backing off as often as it is told to, until it has them all or a signal comes. */
function* transaction(soak: Soak, task: number, injected: boolean): Process {
  const { class: wwClass, locks, random, open, algorithm } = soak;
  const context = wwClass.acquireInit();
  open.add(context);
  const wanted = shuffled(locks, random).slice(0, 1 + random(6));
  const held: WwMutex[] = [];
  const interruptible = random(4) === 0;
  const older = (): boolean => [...open].some(({ stamp }) => stamp < context.stamp);
  let wasYounger = false;
  let slow = false;
  for (let at = 0; at < wanted.length; at++) {
    soak.operations++;
    const lock = wanted[at] as WwMutex;
    if (held.length === 0) wasYounger = older();
    if (!slow && random(8) === 0) {
      if (!lock.trylock(context)) break;
      enter(soak, lock, task);
      held.push(lock);
      continue;
    }
    const result = yield* lock.acquire({ context, interruptible, slow });
    if (result === "interrupted") break;
    expect(result).not.toBe("already");
    if (result === "acquired") {
      slow = false;
      enter(soak, lock, task);
      held.push(lock);
      if (random(3) === 0) yield random(10);
      continue;
    }
    // The oldest context never dies, and one that holds nothing never does. A wound outlives who made it: it may
    // have been made at any time since the first lock.
    expect(held.length).toBeGreaterThan(0);
    expect(slow).toBe(false);
    if (!injected) expect(algorithm === "wait-die" ? older() : wasYounger).toBe(true);
    for (const other of held.splice(0)) leave(soak, other);
    if (random(10) === 0) break;
    if (random(3) === 0) yield random(10);
    wanted.unshift(...wanted.splice(at, 1));
    at = -1;
    slow = true;
  }
  if (held.length > 0) yield random(20);
  for (const lock of shuffled(held, random)) leave(soak, lock);
  open.delete(context);
  context.fini();
}

/** Takes one lock without a context. */
function* single(soak: Soak, task: number): Process {
  const { locks, random } = soak;
  soak.operations++;
  const lock = locks[random(locks.length)] as WwMutex;
  if (random(2) === 0) {
    if (!lock.trylock()) return;
  } else if ((yield* lock.acquire({ interruptible: random(2) === 0 })) !== "acquired") return;
  enter(soak, lock, task);
  yield random(15);
  leave(soak, lock);
}

test.each<[WwAlgorithm, injection: boolean]>([
  ["wait-die", false],
  ["wait-die", true],
  ["wound-wait", false],
  ["wound-wait", true],
])(
  "%s, EDEADLK injected: %s: all finish, no lock is lost, the oldest never backs off",
  (algorithm, injected) => {
    let done = 0;
    for (let seed = 0; done < OPERATIONS; seed++) {
      const random = randomOf(seed);
      const fixture = wwFixture(algorithm, LOCKS);
      const soak: Soak = { ...fixture, algorithm, random, open: new Set(), inside: new Map(), operations: 0 };
      if (injected) soak.class.injectDeadlocks(seed);
      const work = function* (task: number): Process {
        while (soak.operations < PER_RUN) {
          yield random(10);
          if (random(4) === 0) yield* single(soak, task);
          else yield* transaction(soak, task, injected);
        }
      };
      const tasks = Array.from({ length: TASKS }, (_, task) => soak.simulation.spawn(`${task}`, work(task)));
      const signal = soak.simulation.timer(() => {
        tasks[random(TASKS)]?.interrupt();
        if (tasks.some((task) => !task.done)) signal.arm(1 + random(40));
      });
      signal.arm(1);
      expect(soak.simulation.run().blocked).toEqual([]);
      expect(tasks.every((task) => task.done)).toBe(true);
      expect(soak.locks.filter((lock) => lock.isLocked)).toEqual([]);
      expect([soak.class.machine.live, soak.warnings()]).toEqual([0, []]);
      done += soak.operations;
    }
  },
);
