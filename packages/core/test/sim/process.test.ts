// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { type Process, Simulation } from "../../src/sim.ts";

function* nap(ns: number): Process<string> {
  yield ns;
  return "rested";
}

test("a process that was made and never run fails the run and is named with its caller", () => {
  const simulation = new Simulation();
  const forgetful = function* (): Process {
    simulation.sleep(5);
    simulation.process("dma_buf_pin", nap(1));
    yield 1;
  };
  simulation.spawn("driver", forgetful());
  expect(() => simulation.run()).toThrow(
    "made and never run, write yield* in front: sleep (in driver), dma_buf_pin (in driver)",
  );
  expect(simulation.run().blocked).toEqual([]);
});

test("a process made outside of every task and never run is named too", () => {
  const simulation = new Simulation();
  simulation.process("dma_buf_map_attachment", nap(1));
  expect(() => simulation.run()).toThrow(/dma_buf_map_attachment \(in setup\)$/);
});

test("a forgotten process is named once, however often it was made", () => {
  const simulation = new Simulation();
  const forgetful = function* (): Process {
    for (let i = 0; i < 1000; i++) simulation.sleep(1);
    yield 1;
  };
  simulation.spawn("driver", forgetful());
  expect(() => simulation.run()).toThrow(/front: sleep \(in driver\)$/);
});

test("processes that are run in whatever order, stepped by hand, spawned or disposed of are not forgotten", () => {
  const simulation = new Simulation();
  const main = function* (): Process<string[]> {
    const first = simulation.process("first", nap(1));
    const second = simulation.process("second", nap(2));
    const third = simulation.process("third", nap(3));
    const fourth = simulation.process("fourth", nap(4));
    const fifth = simulation.process("fifth", nap(5));
    simulation.process("sixth", nap(6)).return("");
    expect(() => simulation.process("seventh", nap(7)).throw(new Error("no"))).toThrow("no");
    expect(fourth.next().value).toBe(4);
    fifth[Symbol.dispose]();
    const task = simulation.spawn("third", third);
    return [yield* second, yield* first, yield* task.join()];
  };
  expect(simulation.complete("main", main())).toEqual(["rested", "rested", "rested"]);
});

test("delegation passes the result and costs no virtual time", () => {
  const simulation = new Simulation();
  const outer = function* (): Process<string> {
    return yield* simulation.process("nap", nap(7));
  };
  expect(simulation.complete("main", outer())).toBe("rested");
  expect(simulation.now).toBe(7);
});

test("what is made now and run later is no mistake, even when the run stops in between or another task fails", () => {
  const simulation = new Simulation();
  const later = function* (): Process<number> {
    const sleeping = simulation.sleep(5);
    yield 10;
    yield* sleeping;
    return simulation.now;
  };
  const failing = function* (): Process {
    yield 3;
    simulation.sleep(1);
    throw new Error("no");
  };
  const task = simulation.spawn("later", later());
  expect(simulation.run({ until: 2 })).toEqual({ time: 2, blocked: [] });
  simulation.spawn("failing", failing());
  expect(() => simulation.run()).toThrow("failing: no");
  simulation.run();
  expect(task.result).toBe(15);
});
