// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { dmaDirections, KernelError, linux72, linux612, type Process, proposed } from "../../src/index.ts";
import type { Usage } from "../../src/sync.ts";
import { BufferBench } from "./buffer-bench.ts";

const profiles = [linux612, linux72, proposed];

describe("begin waits as Appendix A.5 says (B-50, B-54)", () => {
  const waits: readonly (readonly [direction: "bidirectional" | "to-device" | "from-device", Usage[]])[] = [
    ["from-device", ["kernel", "write"]],
    ["to-device", ["kernel", "write", "read"]],
    ["bidirectional", ["kernel", "write", "read"]],
  ];
  const usages = ["kernel", "write", "read", "bookkeep"] as const;
  const cases = profiles.flatMap((kernel) =>
    waits.flatMap(([direction, waited]) =>
      usages.map((usage) => [kernel.name, direction, usage, waited.includes(usage), kernel] as const),
    ),
  );
  test.each(cases)("%s: %s, a %s fence: waits %s", (_name, direction, usage, waited, kernel) => {
    const bench = new BufferBench({ kernel });
    bench.run(
      (function* () {
        yield* bench.fence(usage, 7000);
        yield* bench.buffer.beginCpuAccess(direction);
        expect(bench.system.simulation.now).toBe(waited ? 7000 : 0);
        yield* bench.buffer.endCpuAccess(direction);
      })(),
    );
    expect(bench.exporter.calls).toEqual([`begin ${direction}`, `end ${direction}`]);
    expect(bench.complaints).toEqual([]);
  });
});

test.each([
  [linux612, 0],
  [linux72, 0],
  [proposed, 7000],
] as const)("$name does its maintenance at %i ns, the fence signals at 7000 (B-51)", (kernel, when) => {
  const bench = new BufferBench({ kernel });
  const begun: number[] = [];
  const { beginCpuAccess } = bench.exporter;
  bench.exporter.beginCpuAccess = function* (...call) {
    begun.push(bench.system.simulation.now);
    yield* beginCpuAccess.apply(bench.exporter, call);
  };
  bench.run(
    (function* () {
      yield* bench.fence("write", 7000);
      yield* bench.buffer.beginCpuAccess("from-device");
    })(),
  );
  expect(begun).toEqual([when]);
});

test("an error of the exporter's begin passes, and no fence is waited for (B-50)", () => {
  const bench = new BufferBench();
  bench.exporter.beginCpuAccess = function* () {
    yield 0;
    throw new KernelError("EPERM", "begin_cpu_access", "not for the CPU");
  };
  bench.system.simulation.spawn("fence", bench.fence("write"));
  expect(() => bench.run(bench.buffer.beginCpuAccess("from-device"))).toThrow("-EPERM: not for the CPU");
});

test("a signal ends the wait with EINTR (B-50)", () => {
  const bench = new BufferBench();
  const { simulation } = bench.system;
  const task = simulation.spawn(
    "reader",
    (function* (): Process<string> {
      yield* bench.fence("write");
      try {
        yield* bench.buffer.beginCpuAccess("from-device");
      } catch (error) {
        if (error instanceof KernelError) return error.errno;
      }
      return "none";
    })(),
  );
  simulation.timer(() => task.interrupt()).arm(100);
  simulation.run();
  expect(task.result).toBe("EINTR");
});

test("end waits for nothing and does the exporter's part (B-52)", () => {
  const bench = new BufferBench();
  bench.run(
    (function* () {
      for (const usage of ["kernel", "write", "read"] as const) yield* bench.fence(usage);
      yield* bench.buffer.endCpuAccess("bidirectional");
      expect(bench.system.simulation.now).toBe(0);
    })(),
  );
  expect(bench.exporter.calls).toEqual(["end bidirectional"]);
});

test("brackets neither nest nor exclude: two tasks are inside at once (B-53)", () => {
  const bench = new BufferBench();
  let inside = 0;
  const most: number[] = [];
  const { simulation } = bench.system;
  const task = function* (): Process {
    yield* bench.buffer.beginCpuAccess("bidirectional");
    yield* bench.buffer.beginCpuAccess("from-device");
    most.push(++inside);
    yield 1000;
    inside--;
    yield* bench.buffer.endCpuAccess("bidirectional");
  };
  simulation.spawn("one", task());
  simulation.spawn("two", task());
  simulation.run();
  expect(most).toEqual([1, 2]);
  expect(bench.complaints).toEqual([]);
});

test("an exporter without brackets still waits for fences", () => {
  const bench = new BufferBench();
  Object.assign(bench.exporter, { beginCpuAccess: undefined, endCpuAccess: undefined });
  bench.run(
    (function* () {
      yield* bench.fence("write", 300);
      yield* bench.buffer.beginCpuAccess("from-device");
      expect(bench.system.simulation.now).toBe(300);
      yield* bench.buffer.endCpuAccess("from-device");
    })(),
  );
});

test("the events say which direction (B-54)", () => {
  const bench = new BufferBench();
  bench.run(
    (function* () {
      for (const direction of dmaDirections) {
        yield* bench.buffer.beginCpuAccess(direction);
        yield* bench.buffer.endCpuAccess(direction);
      }
    })(),
  );
  const events = [...bench.system.simulation.trace.events()].map(String);
  expect(events.filter((text) => text.includes("cpu_access:"))).toEqual(
    ["BIDIRECTIONAL", "TO_DEVICE", "FROM_DEVICE"].flatMap((dir) => [
      `dma_buf_begin_cpu_access: ino=1 dir=${dir}`,
      `dma_buf_end_cpu_access: ino=1 dir=${dir}`,
    ]),
  );
});
