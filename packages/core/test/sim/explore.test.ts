// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import {
  explore,
  exploreAll,
  type Process,
  type Schedule,
  Scheduler,
  Simulation,
  Timeline,
} from "../../src/sim.ts";

/** Two tasks add one to a number, each in two steps: read, then write. */
const lostUpdate =
  (tasks = 2) =>
  (scheduler: Scheduler): void => {
    const simulation = new Simulation({ scheduler });
    let value = 0;
    const add = function* (): Process {
      const read = value;
      yield 0;
      value = read + 1;
    };
    for (let i = 0; i < tasks; i++) simulation.spawn(`t${i}`, add());
    simulation.run();
    if (value !== tasks) throw new Error(`${value} of ${tasks}`);
  };

/** The order in which n tasks of k steps each run. */
function orderOf(schedule: Schedule, tasks: number, steps: number): string {
  const simulation = new Simulation({ scheduler: new Scheduler(schedule) });
  const ran: number[] = [];
  const task = function* (which: number): Process {
    for (let i = 0; i < steps; i++) {
      ran.push(which);
      yield 0;
    }
  };
  for (let i = 0; i < tasks; i++) simulation.spawn(`t${i}`, task(i));
  simulation.run();
  return ran.join("");
}

describe("schedules", () => {
  it("first-come is what runs without a scheduler", () => {
    expect(orderOf({ kind: "first-come" }, 3, 2)).toBe("012012");
  });

  it.each(["random", "pct"] as const)(
    "%s: the same seed gives the same order, another one another",
    (kind) => {
      const orders = Array.from({ length: 40 }, (_, seed) => orderOf({ kind, seed }, 3, 3));
      expect(orders).toEqual(Array.from({ length: 40 }, (_, seed) => orderOf({ kind, seed }, 3, 3)));
      expect(new Set(orders).size).toBeGreaterThanOrEqual(6);
    },
  );

  it("pct of depth 1 runs each task through, in an order of its own", () => {
    const orders = Array.from({ length: 60 }, (_, seed) => orderOf({ kind: "pct", seed, depth: 1 }, 3, 3));
    const strict = ["000111222", "000222111", "111000222", "111222000", "222000111", "222111000"];
    expect([...new Set(orders)].sort()).toEqual(strict);
  });

  it("pct of depth 2 takes the turn from one task at most once", () => {
    for (let seed = 0; seed < 60; seed++) {
      const order = orderOf({ kind: "pct", seed, depth: 2, steps: 9 }, 3, 3);
      const switches = [...order].filter((task, i) => i > 0 && task !== order[i - 1]).length;
      expect(switches).toBeLessThanOrEqual(3);
    }
  });

  it("replay repeats what was decided", () => {
    for (let seed = 0; seed < 20; seed++) {
      const scheduler = new Scheduler({ kind: "random", seed });
      const simulation = new Simulation({ scheduler });
      const ran: string[] = [];
      const task = function* (name: string): Process {
        for (let i = 0; i < 3; i++) {
          ran.push(name);
          yield i % 2;
        }
      };
      for (const name of ["a", "b", "c"]) simulation.spawn(name, task(name));
      simulation.run();
      const choices = scheduler.decisions.map(({ chosen }) => chosen);
      const again = new Scheduler({ kind: "replay", choices });
      const second = new Simulation({ scheduler: again });
      const first = ran.splice(0);
      for (const name of ["a", "b", "c"]) second.spawn(name, task(name));
      second.run();
      expect(ran).toEqual(first);
      expect(again.decisions).toEqual(scheduler.decisions);
    }
  });

  it("nothing runs early, and nothing later than the slack allows", () => {
    const late: number[] = [];
    for (let seed = 0; seed < 50; seed++) {
      const simulation = new Simulation({ scheduler: new Scheduler({ kind: "random", seed, slack: 7 }) });
      const task = function* (delay: number): Process {
        for (let i = 0; i < 10; i++) {
          const due = simulation.now + delay;
          yield delay;
          late.push(simulation.now - due);
        }
      };
      for (const delay of [1, 3, 4, 10]) simulation.spawn(`every ${delay}`, task(delay));
      simulation.run();
    }
    expect(Math.min(...late)).toBe(0);
    expect(Math.max(...late)).toBeGreaterThan(3);
    expect(Math.max(...late)).toBeLessThanOrEqual(7);
  });

  it("engines are chosen among as tasks are", () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const simulation = new Simulation({ scheduler: new Scheduler({ kind: "random", seed }) });
      const ran: string[] = [];
      const engine = new Timeline(simulation, "engine");
      simulation.spawn(
        "task",
        (function* () {
          engine.submit({ duration: 5, complete: () => ran.push("engine") });
          yield 5;
          ran.push("task");
        })(),
      );
      simulation.run();
      orders.add(ran.join());
    }
    expect([...orders].sort()).toEqual(["engine,task", "task,engine"]);
  });

  it.each([
    [{ kind: "random", seed: 1, slack: -1 }, "a schedule cannot have a slack of -1 ns"],
    [{ kind: "pct", seed: 1, depth: 0 }, "a schedule cannot have depth 0 in 1000 steps"],
  ] as const)("%j is refused", (schedule, message) => {
    expect(() => new Scheduler(schedule)).toThrow(new TypeError(message));
  });
});

describe("exploring", () => {
  /** Fails only when `b` runs between the two steps of `a`, and `c` before both. */
  const among =
    (others: number) =>
    (scheduler: Scheduler): void => {
      const simulation = new Simulation({ scheduler });
      const ran: string[] = [];
      const task = function* (name: string, steps: number): Process {
        for (let i = 0; i < steps; i++) {
          ran.push(`${name}${i}`);
          yield 0;
        }
      };
      for (const [name, steps] of [
        ["a", 2],
        ["b", 1],
        ["c", 1],
        ["d", others],
      ] as const)
        simulation.spawn(name, task(name, steps));
      simulation.run();
      const at = (what: string): number => ran.indexOf(what);
      if (at("c0") < at("a0") && at("a0") < at("b0") && at("b0") < at("a1")) throw new Error(ran.join(" "));
    };

  const ordered = among(3);

  it("finds a lost update, and says in whose turn it lies", () => {
    // First-come is the worst order here, so it fails at once; run through, the tasks would not disturb each other.
    expect(explore(100, lostUpdate())).toMatchObject({
      seed: null,
      runs: 1,
      error: new Error("1 of 2"),
      trace: [],
    });
    const through = new Scheduler({ kind: "pct", seed: 1, depth: 1 });
    expect(() => lostUpdate()(through)).not.toThrow();
  });

  it("finds what needs an order of three, and shortens it to the turns that matter", () => {
    expect(() => ordered(new Scheduler({ kind: "first-come" }))).not.toThrow();
    const found = explore(1000, ordered);
    expect(found).not.toBeNull();
    if (found === null) return;
    expect(found.trace).toEqual([{ time: 0, chosen: 2, among: ["a", "b", "c", "d"] }]);
    expect(found.schedule).toEqual({ kind: "replay", choices: [2] });
    expect(() => ordered(new Scheduler(found.schedule))).toThrow(found.shrunkError as Error);
  });

  it("answers null when no seed fails", () => {
    expect(explore([3, 5, 7], () => {})).toBeNull();
  });

  it("everything: as many schedules as there are orders", () => {
    // Two tasks of two steps and the end of each: 6 positions, 3 of them the first task's.
    const orders = new Set<string>();
    const result = exploreAll((scheduler) => {
      const simulation = new Simulation({ scheduler });
      const ran: string[] = [];
      const task = function* (name: string): Process {
        for (let i = 0; i < 2; i++) {
          ran.push(name);
          yield 0;
        }
        ran.push(name);
      };
      for (const name of ["a", "b"]) simulation.spawn(name, task(name));
      simulation.run();
      orders.add(ran.join(""));
    });
    expect(result).toEqual({ runs: 20, complete: true, failure: null });
    expect(orders.size).toBe(20);
  });

  it("everything: finds the one order that fails, or says how far it came", () => {
    const { failure, complete } = exploreAll(among(0));
    expect(complete).toBe(false);
    expect(failure?.schedule.choices).toEqual([2]);
    expect(failure?.seed).toBeNull();
    expect(exploreAll(() => {}, { limit: 5 })).toEqual({ runs: 1, complete: true, failure: null });
    const many = (scheduler: Scheduler): void => {
      orderOf({ kind: "first-come" }, 1, 1);
      const simulation = new Simulation({ scheduler });
      for (let i = 0; i < 6; i++) simulation.spawn(`t${i}`, (function* (): Process {})());
      simulation.run();
    };
    expect(exploreAll(many, { limit: 100 })).toEqual({ runs: 100, complete: false, failure: null });
    expect(exploreAll(many)).toEqual({ runs: 720, complete: true, failure: null });
  });
});

describe("livelocks", () => {
  const spinning = (simulation: Simulation) => {
    let stop = false;
    const wait = function* (): Process {
      while (!stop) yield 0;
    };
    simulation.spawn("left", wait());
    simulation.spawn("right", wait());
    return () => {
      stop = true;
    };
  };

  it("a run ends when tasks run and nothing comes of it, and names them", () => {
    const simulation = new Simulation();
    spinning(simulation);
    const { livelock, time } = simulation.run({ livelock: 1000 });
    expect(time).toBe(0);
    expect(livelock).toEqual([
      { task: "right", steps: 500 },
      { task: "left", steps: 500 },
    ]);
  });

  it("time that passes is no progress, an engine's job is", () => {
    const simulation = new Simulation();
    const stop = spinning(simulation);
    simulation.timer(stop).arm(0);
    expect(simulation.run({ livelock: 1000 }).livelock).toBeUndefined();
    const polling = new Simulation();
    polling.spawn(
      "poller",
      (function* (): Process {
        for (;;) yield 1000;
      })(),
    );
    expect(polling.run({ livelock: 50 }).livelock).toEqual([{ task: "poller", steps: 50 }]);
  });

  it("a scheduler with priorities does not starve whom a spinning task waits for", () => {
    for (let seed = 0; seed < 30; seed++) {
      const simulation = new Simulation({ scheduler: new Scheduler({ kind: "pct", seed }) });
      const stop = spinning(simulation);
      simulation.spawn(
        "third",
        (function* (): Process {
          yield 0;
          stop();
        })(),
      );
      expect(simulation.run({ livelock: 5000 }).livelock).toBeUndefined();
    }
  });
});
