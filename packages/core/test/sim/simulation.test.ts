// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { KernelError } from "../../src/error.ts";
import { type Process, Simulation, type Task, WaitQueue } from "../../src/sim.ts";

describe("time", () => {
  test("runs what is due in time order, equal times in the order in which they became due", () => {
    const simulation = new Simulation();
    const log: string[] = [];
    const worker = function* (name: string, delays: readonly number[]): Process {
      for (const delay of delays) {
        yield delay;
        log.push(`${name}@${simulation.now}`);
      }
    };
    simulation.spawn("a", worker("a", [10, 10]));
    simulation.spawn("b", worker("b", [20, 0]));
    simulation.spawn("c", worker("c", [5, 5, 10]));
    const timer = simulation.timer(() => log.push(`timer@${simulation.now}`));
    timer.arm(20);
    expect(simulation.run()).toEqual({ time: 20, blocked: [] });
    // The timer was armed before anybody ran; c slept at 10 before a did, because it woke at 5 and went first.
    expect(log).toEqual(["c@5", "a@10", "c@10", "timer@20", "b@20", "a@20", "c@20", "b@20"]);
  });

  test("stops at `until` and goes on from there", () => {
    const simulation = new Simulation();
    const log: number[] = [];
    const worker = function* (): Process {
      for (let i = 0; i < 3; i++) {
        yield 10;
        log.push(simulation.now);
      }
    };
    simulation.spawn("worker", worker());
    expect(simulation.run({ until: 20 })).toEqual({ time: 20, blocked: [] });
    expect(log).toEqual([10, 20]);
    expect(simulation.run({ until: 25 }).time).toBe(25);
    expect(simulation.run().time).toBe(30);
    expect(simulation.run({ until: 40 }).time).toBe(40);
  });

  test("a delay that is no delay, or a waitable without yield*, fails the task", () => {
    for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      const simulation = new Simulation();
      const worker = function* (): Process {
        yield bad;
      };
      simulation.spawn("worker", worker());
      expect(() => simulation.run()).toThrow(`worker: a process cannot sleep for ${bad} ns`);
    }
    const simulation = new Simulation();
    const queue = new WaitQueue(simulation, "work");
    const worker = function* (): Process {
      yield queue;
    };
    simulation.spawn("worker", worker());
    expect(() => simulation.run()).toThrow(/^worker: a process can yield a delay .* needs yield\*$/);
  });

  test("charged CPU time delays what the task does next, also when it is woken before", () => {
    const simulation = new Simulation();
    const log: number[] = [];
    const main = function* (): Process {
      simulation.charge(100);
      yield 5;
      log.push(simulation.now);
      simulation.charge(30);
      simulation.charge(20);
      const task = simulation.current as Task;
      simulation.timer(() => simulation.wake(task)).arm(10);
      yield* simulation.block({ describe: () => "the timer" });
      log.push(simulation.now);
    };
    const task = simulation.spawn("main", main());
    simulation.timer(() => simulation.charge(1000)).arm(0);
    simulation.run();
    expect(log).toEqual([105, 155]);
    expect(task.charged).toBe(150);
  });

  test("runs inside its own run, or sleeping functions outside of a task, are programming errors", () => {
    const simulation = new Simulation();
    const main = function* (): Process {
      yield 1;
      simulation.run();
    };
    simulation.spawn("main", main());
    expect(() => simulation.run()).toThrow("main: a simulation cannot run inside its own run");
    expect(() => simulation.block({ describe: () => "" }).next()).toThrow(
      "block may sleep: it must run in a task",
    );
    expect(() => simulation.timer(() => {}).arm(Number.NaN)).toThrow(TypeError);
  });
});

describe("tasks", () => {
  test("know their name, their end and their result", () => {
    const simulation = new Simulation();
    const main = function* (): Process<number> {
      expect(simulation.current?.name).toBe("main");
      expect(simulation.trace.timelineName(simulation.trace.timeline)).toBe("main");
      yield 3;
      return 42;
    };
    const task = simulation.spawn("main", main());
    expect(task.done).toBe(false);
    expect(() => task.result).toThrow("task main has no result yet");
    simulation.run();
    expect([task.done, task.result, simulation.current]).toEqual([true, 42, undefined]);
  });

  test("joining gives the result, also after the end", () => {
    const simulation = new Simulation();
    const child = function* (ns: number): Process<number> {
      yield ns;
      return ns;
    };
    const main = function* (): Process<number[]> {
      const [slow, fast] = [simulation.spawn("slow", child(9)), simulation.spawn("fast", child(1))];
      const results = [yield* slow.join(), yield* fast.join()];
      return [...results, simulation.now];
    };
    expect(simulation.complete("main", main())).toEqual([9, 1, 9]);
  });

  test("an error nobody joins ends the run with the task's name in front and its class kept", () => {
    const simulation = new Simulation();
    const main = function* (): Process {
      yield 1;
      throw new KernelError("EBUSY", "dma_buf_attach", "the device is gone");
    };
    const task = simulation.spawn("usb0", main());
    expect(() => simulation.run()).toThrow(KernelError);
    expect(() => task.result).toThrow("usb0: dma_buf_attach: -EBUSY: the device is gone");
  });

  test("an error somebody joins is thrown there, and names nest outward", () => {
    const simulation = new Simulation();
    const child = function* (): Process {
      yield 1;
      throw new TypeError("broken");
    };
    const parent = function* (): Process {
      yield* simulation.spawn("child", child()).join();
    };
    simulation.spawn("parent", parent());
    expect(() => simulation.run()).toThrow("parent: child: broken");
    const main = function* (): Process<string> {
      const task = simulation.spawn("child", child());
      try {
        yield* task.join();
        return "no error";
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(simulation.complete("main", main())).toBe("child: broken");
  });

  test("what is thrown in a timer, or is no Error, is named as well", () => {
    const simulation = new Simulation();
    simulation
      .timer(() => {
        expect([simulation.atomic, simulation.current]).toEqual([true, undefined]);
        throw "a string";
      })
      .arm(1);
    expect(() => simulation.run()).toThrow("timer: a string");
    expect(simulation.atomic).toBe(false);
  });

  test("timers can be armed again and cancelled, and keep nothing pending", () => {
    const simulation = new Simulation();
    const log: number[] = [];
    const timer = simulation.timer(() => log.push(simulation.now));
    timer.arm(10);
    timer.arm(5);
    expect(timer.armed).toBe(true);
    simulation.run();
    expect(timer.cancel()).toBe(false);
    timer.arm(1);
    expect(timer.cancel()).toBe(true);
    timer.arm(Number.POSITIVE_INFINITY);
    expect([timer.armed, simulation.run().time, log]).toEqual([false, 5, [5]]);
  });
});

describe("deadlocks", () => {
  test("name who waits for what since when and who would have to act; daemons may wait", () => {
    const simulation = new Simulation();
    const queue = new WaitQueue(simulation, "work for the endpoint");
    const waiting = function* (ns: number): Process {
      yield ns;
      yield* queue.waitUntil(() => false);
    };
    const joining = function* (): Process {
      yield* stuck.join();
    };
    simulation.spawn("worker", waiting(1), { daemon: true });
    const stuck = simulation.spawn("stuck", waiting(7));
    simulation.spawn("joiner", joining());
    const { blocked } = simulation.run();
    const timeline = stuck.timeline;
    expect(blocked).toEqual([
      { task: "stuck", timeline, waitsFor: "work for the endpoint", heldBy: null, since: 7 },
      {
        task: "joiner",
        timeline: timeline + 1,
        waitsFor: "the end of task stuck",
        heldBy: "stuck",
        since: 0,
      },
    ]);
  });

  test("are no deadlock while something is due, and an error for `complete`", () => {
    const simulation = new Simulation();
    const main = function* (): Process {
      yield* simulation.block({ describe: () => "godot" });
    };
    const task = simulation.spawn("early", main());
    const timer = simulation.timer(() => simulation.wake(task));
    timer.arm(10);
    expect(simulation.run({ until: 5 }).blocked).toEqual([]);
    simulation.run();
    expect(task.done).toBe(true);
    expect(() => simulation.complete("main", main())).toThrow(
      "main: -EDEADLK: nothing is left that could wake it: main waits for godot",
    );
  });
});

describe("blocking", () => {
  const outcome = (act: (simulation: Simulation, task: Task) => void): string => {
    const simulation = new Simulation();
    const main = function* (): Process<string> {
      const options = { timeout: 10, interruptible: true };
      return `${yield* simulation.block({ describe: () => "it" }, options)} at ${simulation.now}`;
    };
    const task = simulation.spawn("main", main());
    act(simulation, task);
    simulation.run();
    return task.result;
  };

  test("ends by a wake-up, a signal or the timeout, whichever came first", () => {
    expect(outcome((s, task) => s.timer(() => s.wake(task)).arm(4))).toBe("woken at 4");
    expect(outcome((s, task) => s.timer(() => task.interrupt()).arm(4))).toBe("interrupted at 4");
    expect(outcome((_, task) => task.interrupt())).toBe("interrupted at 0");
    expect(outcome(() => {})).toBe("timed-out at 10");
    // Armed before the task blocked, so it is first at 10.
    expect(outcome((s, task) => s.timer(() => s.wake(task)).arm(10))).toBe("woken at 10");
    expect(outcome((s, task) => s.timer(() => s.timer(() => s.wake(task)).arm(6)).arm(4))).toBe(
      "timed-out at 10",
    );
    expect(
      outcome((s, task) => s.timer(() => expect([s.wake(task), s.wake(task)]).toEqual([true, false])).arm(1)),
    ).toBe("woken at 1");
  });

  test("a signal waits for the next interruptible block and leaves others alone", () => {
    const simulation = new Simulation();
    const main = function* (): Process<string[]> {
      const it = { describe: () => "it" };
      const first = yield* simulation.block(it, { timeout: 5 });
      const second = yield* simulation.block(it, { timeout: 5, interruptible: true });
      const third = yield* simulation.block(it, { timeout: 5, interruptible: true });
      const fourth = yield* simulation.block(it, { timeout: 0 });
      return [first, second, third, fourth, String(simulation.now)];
    };
    const task = simulation.spawn("main", main());
    simulation.timer(() => task.interrupt()).arm(1);
    simulation.run();
    expect(task.result).toEqual(["timed-out", "interrupted", "timed-out", "timed-out", "10"]);
  });
});
