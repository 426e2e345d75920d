// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { type Process, Simulation, WaitQueue } from "../../src/sim.ts";

test("wakes in the order of coming, one or all, and asks the condition again", () => {
  const simulation = new Simulation();
  const queue = new WaitQueue(simulation, "a permit");
  const log: string[] = [];
  let permits = 0;
  const worker = function* (name: string): Process {
    expect(yield* queue.waitUntil(() => permits > 0)).toBe(true);
    permits--;
    log.push(`${name}@${simulation.now}`);
  };
  const main = function* (): Process {
    yield 1;
    expect([queue.waiting, queue.describe()]).toEqual([3, "a permit"]);
    permits = 1;
    expect(queue.wakeOne()).toBe(true);
    yield 1;
    permits = 1;
    expect(queue.wakeAll()).toBe(2);
    yield 1;
    expect(queue.waiting).toBe(1);
    permits = 1;
    queue.wakeOne();
  };
  expect(queue.wakeOne()).toBe(false);
  for (const name of ["a", "b", "c"]) simulation.spawn(name, worker(name));
  simulation.spawn("main", main());
  expect(simulation.run().blocked).toEqual([]);
  expect(log).toEqual(["a@1", "b@2", "c@3"]);
});

test("a condition that holds needs no wait; a timeout of 0 asks once; a timeout leaves the queue", () => {
  const simulation = new Simulation();
  const queue = new WaitQueue(simulation, "it");
  const main = function* (): Process<(boolean | number)[]> {
    const holds = yield* queue.waitUntil(() => true);
    const once = yield* queue.waitUntil(() => false, { timeout: 0 });
    const late = yield* queue.waitUntil(() => false, { timeout: 9 });
    return [holds, once, late, simulation.now, queue.waiting];
  };
  expect(simulation.complete("main", main())).toEqual([true, false, false, 9, 0]);
});

test("a signal ends an interruptible wait with EINTR", () => {
  const simulation = new Simulation();
  const queue = new WaitQueue(simulation, "the endpoint");
  const main = function* (): Process {
    yield* queue.waitUntil(() => false, { interruptible: true });
  };
  const task = simulation.spawn("main", main());
  simulation.timer(() => task.interrupt()).arm(3);
  expect(() => simulation.run()).toThrow(
    "main: wait_event: -EINTR: interrupted while waiting for the endpoint",
  );
  expect(queue.waiting).toBe(0);
});

test("a wake-up of one is not lost on a task that a signal woke in the same instant", () => {
  const simulation = new Simulation();
  const queue = new WaitQueue(simulation, "it");
  let ready = false;
  const waiter = function* (): Process<string> {
    try {
      yield* queue.waitUntil(() => ready, { interruptible: true });
      return "served";
    } catch {
      return "interrupted";
    }
  };
  const [first, second] = [simulation.spawn("first", waiter()), simulation.spawn("second", waiter())];
  simulation
    .timer(() => {
      first.interrupt();
      expect(queue.wakeOne()).toBe(true);
    })
    .arm(1);
  simulation.timer(() => queue.wakeAll()).arm(2);
  simulation.run({ until: 1 });
  expect([first.result, queue.waiting]).toEqual(["interrupted", 1]);
  ready = true;
  simulation.run();
  expect(second.result).toBe("served");
});

test("a condition that holds when the timeout passes is no timeout", () => {
  const simulation = new Simulation();
  const queue = new WaitQueue(simulation, "it");
  const main = function* (): Process<boolean> {
    return yield* queue.waitUntil(() => simulation.now >= 5, { timeout: 5 });
  };
  expect(simulation.complete("main", main())).toBe(true);
});
