// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import type { Process } from "../../src/sim.ts";
import type { PollEvent } from "../../src/sync.ts";
import { BufferBench } from "./buffer-bench.ts";

const BOTH: readonly PollEvent[] = ["in", "out"];

/** What is ready now, of the two asked separately. */
function* now({ buffer }: BufferBench): Process<string> {
  const ready: PollEvent[] = [];
  for (const event of BOTH) ready.push(...(yield* buffer.poll([event], { timeout: 0 })));
  return ready.join(" ");
}

describe("what is ready (B-63, B-64)", () => {
  test("idle: both, writable first as the kernel looks; asked for nothing: nothing", () => {
    const bench = new BufferBench();
    expect(bench.run(bench.buffer.poll(BOTH, { timeout: 0 }))).toEqual(["out", "in"]);
    expect(bench.run(bench.buffer.poll([], { timeout: 0 }))).toEqual([]);
  });

  test.each([
    ["kernel", ""],
    ["write", ""],
    ["read", "in"],
    ["bookkeep", "in out"],
  ] as const)("with a %s fence pending: %s", (usage, expected) => {
    const bench = new BufferBench();
    expect(
      bench.run(
        (function* () {
          const fence = yield* bench.fence(usage);
          const pending = yield* now(bench);
          fence.signal();
          return [pending, yield* now(bench)];
        })(),
      ),
    ).toEqual([expected, "in out"]);
  });

  test("it takes the reservation, waiting if somebody has it (B-63)", () => {
    const bench = new BufferBench();
    const { simulation } = bench.system;
    const holder = function* (): Process {
      yield* bench.buffer.resv.lock();
      yield 30;
      bench.buffer.resv.unlock();
    };
    simulation.spawn("holder", holder());
    const poller = simulation.spawn("poller", bench.buffer.poll(["in"], { timeout: 5 }));
    simulation.run();
    expect([poller.result, simulation.now]).toEqual([["in"], 30]);
  });
});

describe("one slot for each direction (B-65, B-66)", () => {
  test("the first poller hooks the first pending fence, and the slot holds the file until it signals", () => {
    const bench = new BufferBench();
    const { buffer } = bench;
    bench.run(
      (function* () {
        const first = yield* bench.fence("write");
        const second = yield* bench.fence("write");
        yield* now(bench);
        expect([first, second].map(({ id, pool }) => pool.references(id))).toEqual([4, 2]);
        expect(buffer.references, "one for in, one for out").toBe(3);
        yield* now(bench);
        expect(buffer.references, "whoever polls meanwhile hooks nothing").toBe(3);
        first.signal();
        expect([buffer.references, first.pool.references(first.id)]).toEqual([1, 2]);
        yield* now(bench);
        expect([buffer.references, second.pool.references(second.id)]).toEqual([3, 4]);
        second.signal();
      })(),
    );
    expect([buffer.references, bench.complaints]).toEqual([1, []]);
  });

  test("a fence that signals wakes everybody, who look again and wait for the next one", () => {
    const bench = new BufferBench();
    const { simulation } = bench.system;
    bench.run(
      (function* () {
        for (const time of [10, 20, 30]) yield* bench.fence("write", time);
        yield* bench.fence("read", 40);
      })(),
      "setup",
    );
    // All of that is over by now, so do it again with pollers.
    const start = simulation.now;
    const ended: Record<string, number> = {};
    const poller = function* (name: string, interest: readonly PollEvent[]): Process<readonly PollEvent[]> {
      yield 5;
      const events = yield* bench.buffer.poll(interest);
      ended[name] = simulation.now - start;
      return events;
    };
    const setup = function* (): Process {
      for (const after of [10, 20, 30]) yield* bench.fence("write", start + after);
      yield* bench.fence("read", start + 40);
    };
    simulation.spawn("setup", setup());
    const tasks = [
      simulation.spawn("reader", poller("reader", ["in"])),
      simulation.spawn("writer", poller("writer", ["out"])),
      simulation.spawn("either", poller("either", BOTH)),
    ];
    expect(simulation.run().blocked).toEqual([]);
    expect(ended).toEqual({ reader: 30, writer: 40, either: 30 });
    expect(tasks.map(({ result }) => result)).toEqual([["in"], ["out"], ["in"]]);
    expect([bench.buffer.references, bench.complaints]).toEqual([1, []]);
  });

  test("a timeout takes nothing back: the slot stays until its fence signals, and so does the buffer", () => {
    const bench = new BufferBench();
    const { buffer, exporter, system } = bench;
    const main = function* (): Process {
      const fence = yield* bench.fence("write");
      expect(yield* buffer.poll(["in"], { timeout: 10 })).toEqual([]);
      buffer.put();
      expect([buffer.references, exporter.calls]).toEqual([1, []]);
      system.simulation.timer(() => void fence.signal()).arm(7);
      yield 20;
      expect(exporter.calls).toEqual(["release"]);
    };
    bench.run(main());
    expect(bench.complaints).toEqual([]);
  });

  test("fences added after it was found ready do not take that back (B-66)", () => {
    const bench = new BufferBench();
    const main = function* (): Process<unknown[]> {
      const ready = yield* bench.buffer.poll(["in"]);
      yield* bench.fence("write", 50);
      return [ready, yield* bench.buffer.poll(["in"], { timeout: 0 })];
    };
    expect(bench.run(main())).toEqual([["in"], []]);
  });

  test("a signal ends it", () => {
    const bench = new BufferBench();
    const { simulation } = bench.system;
    const main = function* (): Process {
      yield* bench.fence("write");
      simulation.current?.interrupt();
      yield* bench.buffer.poll(["in"]);
    };
    expect(() => bench.run(main())).toThrow("-EINTR: interrupted while waiting for poll of dma-buf 1");
  });
});
