// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { type EngineJob, Simulation, Timeline, tracepoint } from "../../src/sim.ts";

const step = tracepoint("test", "timeline_step", ["job", "number"]);

const recorder = (): {
  simulation: Simulation;
  engine: Timeline;
  log: string[];
  job: (name: string, ns: number) => EngineJob;
} => {
  const simulation = new Simulation();
  const engine = new Timeline(simulation, "dma0");
  const log: string[] = [];
  const job = (name: string, duration: number): EngineJob => ({
    duration,
    start: () => log.push(`+${name}@${simulation.now}`),
    complete: () => log.push(`-${name}@${simulation.now}`),
  });
  return { simulation, engine, log, job };
};

describe("an engine", () => {
  test("runs its jobs in order, one after the other, and never inside submit", () => {
    const { simulation, engine, log, job } = recorder();
    expect([engine.submit(job("a", 10)), engine.submit(job("b", 5)), engine.pending]).toEqual([0, 1, 2]);
    expect(log).toEqual([]);
    simulation.run({ until: 3 });
    expect([engine.busyUntil, engine.pending, engine.idle]).toEqual([10, 2, false]);
    engine.submit(job("c", 1));
    simulation.run();
    expect(log).toEqual(["+a@0", "-a@10", "+b@10", "-b@15", "+c@15", "-c@16"]);
    expect([engine.idle, engine.pending]).toEqual([true, 0]);
    engine.submit(job("d", 0));
    expect(simulation.run().time).toBe(16);
  });

  test("asks for the duration when the job starts, in atomic context on its own timeline", () => {
    const { simulation, engine } = recorder();
    const seen: unknown[] = [];
    const duration = (): number => {
      seen.push(simulation.now, simulation.atomic, simulation.trace.timelineName(simulation.trace.timeline));
      return 4;
    };
    engine.submit({ duration: 6, complete: () => {} });
    engine.submit({ duration, complete: () => seen.push(simulation.now) });
    simulation.run();
    expect(seen).toEqual([6, true, "dma0", 10]);
    engine.submit({ duration: -1, complete: () => {} });
    expect(() => simulation.run()).toThrow("dma0: a job cannot take -1 ns");
  });

  test("a cancelled job never completes, running or queued, and the next one starts", () => {
    const { simulation, engine, log, job } = recorder();
    const cyclic = engine.submit(job("cyclic", Number.POSITIVE_INFINITY));
    const queued = engine.submit(job("queued", 1));
    engine.submit(job("last", 2));
    simulation.run({ until: 100 });
    expect([
      engine.cancel(queued),
      engine.cancel(queued),
      engine.cancel(cyclic),
      engine.cancel(cyclic),
    ]).toEqual([true, false, true, false]);
    simulation.run();
    expect(log).toEqual(["+cyclic@0", "+last@100", "-last@102"]);
  });

  test("completions and starts may submit and cancel", () => {
    const { simulation, engine, log, job } = recorder();
    engine.submit({
      duration: 1,
      complete: () => {
        log.push(`first@${simulation.now}`);
        engine.submit(job("second", 1));
      },
    });
    simulation.run();
    const self: number = engine.submit({
      duration: 50,
      start: () => {
        engine.submit(job("third", 1));
        engine.cancel(self);
      },
      complete: () => log.push("never"),
    });
    simulation.run();
    expect(log).toEqual(["first@1", "+second@1", "-second@2", "+third@2", "-third@3"]);
  });

  test("its events are caused by the submission, and its completion by its start", () => {
    const { simulation, engine } = recorder();
    const { trace } = simulation;
    trace.record();
    const submission = trace.emit(step, 0);
    engine.submit({
      duration: 5,
      start: () => trace.emit(step, 1),
      complete: () => trace.emit(step, 2),
    });
    simulation.run();
    const chain = trace.because(trace.ring.next - 1);
    expect(chain.map((event) => [event.get("job"), event.time, event.timelineName])).toEqual([
      [2, 5, "dma0"],
      [1, 0, "dma0"],
      [0, 0, "setup"],
    ]);
    expect(chain.at(-1)?.seq).toBe(submission);
  });

  test("a queued job is caused by its own submission, not by the job before it", () => {
    const { simulation, engine } = recorder();
    const { trace } = simulation;
    trace.record();
    const submissions = [10, 20].map((number) => {
      const seq = trace.emit(step, number);
      engine.submit({ duration: 5, start: () => trace.emit(step, number + 1), complete: () => {} });
      return seq;
    });
    simulation.run();
    const starts = [...trace.events()].filter((event) => event.timelineName === "dma0");
    expect(starts.map((event) => [event.get("job"), event.cause])).toEqual([
      [11, submissions[0]],
      [21, submissions[1]],
    ]);
  });
});
