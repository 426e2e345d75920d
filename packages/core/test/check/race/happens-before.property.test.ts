// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, it } from "vitest";
import { BufferMap } from "../../../src/check/buffer-map.ts";
import { HappensBefore } from "../../../src/check/race/happens-before.ts";
import { RaceChecker } from "../../../src/check/race/race-checker.ts";
import { Order, TouchClasses } from "../../../src/check/race/touch-class.ts";
import { TouchMap } from "../../../src/check/race/touch-map.ts";
import { litmusLog } from "../../../src/coherency/litmus.ts";
import { litmusRaces } from "../../../src/coherency/litmus-race.ts";
import { AnalysisMachine, Extents, type TimedLitmusProgram, Topology } from "../../../src/coherency.ts";
import { cpuAccess } from "../../../src/dma/dma-trace.ts";
import { type Process, Simulation } from "../../../src/sim.ts";
import { DmaFence, FencePool } from "../../../src/sync.ts";
import { happensBefore, timedProgram } from "../../coherency/reference/timed-program.ts";

const ops = { driverName: "test", timelineName: "test" };

/** Runs a litmus program with timelines for real: a task for each timeline, a fence for each fence, sleeps in between. */
function simulate(program: TimedLitmusProgram, sleeps: readonly number[]) {
  const simulation = new Simulation();
  const { trace } = simulation;
  trace.record();
  const machine = new AnalysisMachine(new Topology({ domains: program.domains, agents: program.agents }));
  const pool = new FencePool(simulation);
  const context = pool.contextAlloc();
  const fences = new Map<string, DmaFence>();
  const fence = (name: string): DmaFence => {
    const known = fences.get(name) ?? DmaFence.init(pool, ops, context + fences.size, 1);
    fences.set(name, known);
    return known;
  };
  for (const step of program.steps) if ("signal" in step) fence(step.signal);
  /** Step of the program for each entry of the log, and the event of each step. */
  const stepOf: number[] = [];
  const eventOf: number[] = [];
  const pairs = new Set<string>();
  const order = new HappensBefore(trace, () => catchUp());
  const touches = new TouchMap(
    machine.table,
    new TouchClasses(machine.table),
    (timeline, seq, on) => order.before(timeline, seq, on),
    (first, second) =>
      pairs.add(
        [stepOf[first.step] as number, stepOf[second.step] as number].sort((a, b) => a - b).join("-"),
      ),
  );
  let done = 0;
  const catchUp = (): void => {
    const { log } = machine;
    for (; done < log.length; done++) {
      const seq = log.cause(done);
      touches.touch(done, log.operation(done), log.extents(done), trace.ring.timelineOf(seq), seq);
    }
  };
  const checker = new RaceChecker(trace, machine, new BufferMap());
  const run = function* (on: string): Process {
    for (const [index, step] of program.steps.entries()) {
      if (step.on !== on) continue;
      yield sleeps[index % sleeps.length] as number;
      if ("signal" in step) fence(step.signal).signal();
      else if ("wait" in step) yield* fence(step.wait).wait();
      else {
        const event = trace.emit(cpuAccess, 0, step.range[0], step.range[1] - step.range[0], 0);
        eventOf[index] = event;
        stepOf.push(index);
        const extents = Extents.of(step.range);
        if ("agent" in step) machine.access(machine.topology.agent(step.agent), step.op, extents, event);
        else machine.maintain(step.op, machine.topology.domain(step.domain), extents, event);
      }
    }
  };
  for (const on of program.timelines ?? []) simulation.spawn(on, run(on));
  expect(simulation.run().blocked).toEqual([]);
  catchUp();
  return { pairs, order, eventOf, races: checker.finish() };
}

it("what runs in any order has the races and the order that the litmus program has", () => {
  let racy = 0;
  let ordered = 0;
  fc.assert(
    fc.property(
      timedProgram({ steps: 10, bytes: 16, domains: 2 }, 6),
      fc.array(fc.nat(40), { minLength: 5, maxLength: 16 }),
      (program, sleeps) => {
        const expected = new Set(
          litmusRaces(program, litmusLog(program).operations).map(
            ({ first, second }) => `${first}-${second}`,
          ),
        );
        const { pairs, order, eventOf, races } = simulate(program, sleeps);
        for (const pair of pairs) expect(expected).toContain(pair);
        expect(pairs.size > 0).toBe(expected.size > 0);
        // Maintenance that commutes with what it meets is a race of the litmus program and none of the run.
        if (expected.size === 0) expect(races).toEqual([]);
        const before = happensBefore(program);
        for (const [i, first] of eventOf.entries()) {
          if (first === undefined) continue;
          for (const [j, second] of eventOf.entries()) {
            if (second === undefined || i === j) continue;
            expect(order.ordered(first, second)).toBe(before[i]?.[j]);
            if (before[i]?.[j]) ordered++;
          }
        }
        if (expected.size > 0) racy++;
      },
    ),
    { seed: 20261120, numRuns: 250 },
  );
  expect(racy).toBeGreaterThan(90);
  expect(ordered).toBeGreaterThan(1200);
});

it("what a later touch stands for may be forgotten, and nothing stands for more than it should", () => {
  const topology = new Topology({ domains: { a: { line: 2 }, b: { line: 4 } } });
  const { table } = new AnalysisMachine(topology);
  const classes = new TouchClasses(table);
  const count = table.operations.operations.length * 2;
  for (let later = 0; later < count; later++) {
    for (let old = 0; old < count; old++) {
      if (!classes.covers(later, old)) continue;
      for (let other = 0; other < count; other++)
        if (classes.order(old, other) !== Order.free)
          expect(classes.order(later, other)).not.toBe(Order.free);
    }
  }
  const write = table.operations.access("write", topology.route({ route: "direct" })).index * 2;
  for (let old = 0; old < count; old++) expect(classes.covers(write, old)).toBe(true);
});
