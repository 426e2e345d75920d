// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { FlushQueue, type FlushQueueOptions } from "../../../src/dma/iova/flush-queue.ts";
import { MILLISECOND } from "../../../src/sim/clock.ts";
import { Simulation } from "../../../src/sim/simulation.ts";
import { VirtualTime } from "./virtual-time.ts";

/** A queue, when it flushed, and what it freed in which order. */
function setUp(options?: FlushQueueOptions) {
  const time = new VirtualTime();
  const flushes: number[] = [];
  const freed: number[] = [];
  const queue = new FlushQueue(
    { timers: time, flush: () => flushes.push(time.now), release: (frame) => freed.push(frame) },
    options,
  );
  return { time, flushes, freed, queue };
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

test("the 256th range forces a flush and frees the 255 before it", () => {
  const { flushes, freed, queue } = setUp();
  for (const frame of upTo(255)) queue.queue(frame, 1);
  expect([flushes, queue.length]).toEqual([[], 255]);
  queue.queue(255, 1);
  expect([flushes, freed, queue.length]).toEqual([[0], upTo(255), 1]);
});

test("10 ms after the first range everything is freed, and again only after another one", () => {
  const { time, flushes, freed, queue } = setUp();
  queue.queue(1, 1);
  time.pass(9 * MILLISECOND);
  queue.queue(2, 1);
  time.pass(MILLISECOND);
  expect([flushes, freed]).toEqual([[10 * MILLISECOND], [1, 2]]);
  time.pass(50 * MILLISECOND);
  queue.queue(3, 1);
  time.pass(50 * MILLISECOND);
  expect([flushes, freed]).toEqual([
    [10 * MILLISECOND, 70 * MILLISECOND],
    [1, 2, 3],
  ]);
});

test("one queue for all: 32768 places, 1 s", () => {
  const { time, flushes, freed, queue } = setUp({ single: true, cpus: 4 });
  for (const frame of upTo(32_767)) queue.queue(frame, 1, frame % 4);
  expect(flushes).toEqual([]);
  queue.queue(32_767, 1, 2);
  expect([flushes.length, freed.length]).toEqual([1, 32_767]);
  time.pass(999 * MILLISECOND);
  expect(queue.length).toBe(1);
  time.pass(MILLISECOND);
  expect([flushes.length, queue.length]).toEqual([2, 0]);
});

test("a CPU's full queue flushes for all, and the others notice when they queue next", () => {
  const { flushes, freed, queue } = setUp({ cpus: 2, size: 4 });
  queue.queue(100, 1, 1);
  for (const frame of upTo(4)) queue.queue(frame, 1, 0);
  expect([flushes.length, freed]).toEqual([1, [0, 1, 2]]);
  queue.queue(101, 1, 1);
  expect([flushes.length, freed]).toEqual([1, [0, 1, 2, 100]]);
  expect([queue.flushesStarted, queue.flushesFinished]).toEqual([1, 1]);
});

test("what waits when the domain goes is not freed", () => {
  const { time, flushes, freed, queue } = setUp();
  queue.queue(1, 1);
  queue.destroy();
  time.pass(1000 * MILLISECOND);
  expect([flushes, freed]).toEqual([[], []]);
});

test("a queue's size is a power of two", () => {
  expect(() => setUp({ size: 100 })).toThrow("a flush queue of 100 places: not a power of two from 2 on");
});

test("runs on the simulation's timers", () => {
  const simulation = new Simulation();
  const freed: [number, number][] = [];
  const queue = new FlushQueue({
    timers: simulation,
    flush: () => {},
    release: (frame) => freed.push([frame, simulation.now]),
  });
  queue.queue(7, 1);
  simulation.run();
  expect(freed).toEqual([[7, 10 * MILLISECOND]]);
});

test("nothing is freed before a flush that was started after it came, nor later than the timeout", () => {
  const step = fc.record({ cpu: fc.nat(2), wait: fc.oneof(fc.constant(0), fc.nat(4 * MILLISECOND)) });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 120, size: "max" }),
      fc.constantFrom(2, 4, 16),
      fc.boolean(),
      (steps, size, single) => {
        const time = new VirtualTime();
        const flushes: number[] = [];
        const waiting = new Map<number, { since: number; flushes: number }>();
        const queue = new FlushQueue(
          {
            timers: time,
            flush: () => flushes.push(time.now),
            release: (frame, length) => {
              const entry = waiting.get(frame);
              expect(entry).toBeDefined();
              expect(length).toBe(frame + 1);
              expect(flushes.length).toBeGreaterThan(entry?.flushes ?? Number.POSITIVE_INFINITY);
              waiting.delete(frame);
            },
          },
          { cpus: 3, size, single, timeout: 10 * MILLISECOND },
        );
        for (const [frame, { cpu, wait }] of steps.entries()) {
          queue.queue(frame, frame + 1, cpu);
          waiting.set(frame, { since: time.now, flushes: flushes.length });
          expect(queue.length).toBe(waiting.size);
          time.pass(wait);
          for (const { since } of waiting.values()) expect(time.now - since).toBeLessThan(10 * MILLISECOND);
        }
        time.pass(10 * MILLISECOND);
        expect(waiting.size).toBe(0);
      },
    ),
    { seed: 20261120, numRuns: 150 },
  );
});
