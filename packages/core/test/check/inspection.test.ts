// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { assemble, definePlugin, findingCodes, type System, severityOf } from "../../src/index.ts";
import type { Process } from "../../src/sim.ts";
import { acquisition } from "../platform/acquisition.ts";

const platform = acquisition();
const found = (process: (system: System) => Process<unknown>) =>
  platform
    .inspect(process)
    .findings.filter(({ severity }) => severity !== "note")
    .map(({ code, message }) => `${code}: ${message}`);

test("severity belongs to the code", () => {
  const of = (severity: string) => findingCodes.filter((code) => severityOf(code) === severity);
  expect(of("note")).toEqual(["needless-maintenance"]);
  expect(of("warning")).toEqual(["missing-bracket", "not-isolated", "bounced-share", "leak"]);
  expect(of("error")).toHaveLength(findingCodes.length - 5);
});

test("a process that gives everything back finds nothing, and has a result", () => {
  const { result, findings } = platform.inspect(function* ({ exporter }: System) {
    void exporter;
    yield 5;
    return 42;
  });
  expect(result).toBe(42);
  expect(findings).toEqual([]);
});

test("what is not given back is a leak that names where it was taken", () => {
  expect(
    found(function* (system) {
      const buffer = yield* system.exporter("syncing").allocate(4096);
      yield 100;
      yield* system.importer("direct").attach(buffer, "to-device");
    }),
  ).toEqual([
    expect.stringMatching(
      /^leak: syncing buffer 1 of 4096 bytes still has 2 references; taken by main at \d+ ns$/,
    ),
    expect.stringMatching(
      /^leak: syncing buffer 1 of 4096 bytes is still attached to direct; taken by main at \d+ ns$/,
    ),
    expect.stringMatching(/^leak: direct still has 1 DMA mapping; taken by main at \d+ ns$/),
  ]);
});

describe("brackets", () => {
  const withBuffer = (use: (buffer: ReturnType<System["dmaBuf"]["find"]> & object) => Process) =>
    found(function* (system) {
      const buffer = yield* system.exporter("syncing").allocate(4096);
      yield* use(buffer);
      buffer.put();
    });

  test("an access outside is missing-bracket, one inside is not", () => {
    const access = (bracket: boolean) =>
      withBuffer(function* (buffer) {
        using mapping = buffer.mmap();
        if (bracket) yield* buffer.beginCpuAccess("from-device");
        yield* mapping.read();
        if (bracket) yield* buffer.endCpuAccess("from-device");
      });
    expect(access(true)).toEqual([]);
    expect(access(false)).toEqual(["missing-bracket: main reads the buffer outside a CPU-access bracket"]);
  });

  test("an end without a begin, and a begin without an end, are bracket-imbalance", () => {
    expect(
      withBuffer(function* (buffer) {
        yield* buffer.endCpuAccess("to-device");
      }),
    ).toEqual(["bracket-imbalance: main ends CPU access that it never began"]);
    expect(
      withBuffer(function* (buffer) {
        yield* buffer.beginCpuAccess("to-device");
      }),
    ).toEqual(["bracket-imbalance: main never ends CPU access that it began"]);
  });
});

test("a bracket that ends in another direction than it began is bracket-imbalance (B-52)", () => {
  const messages = found(function* ({ exporter }) {
    const buffer = yield* exporter("syncing").allocate(4096);
    yield* buffer.beginCpuAccess("bidirectional");
    yield* buffer.endCpuAccess("from-device");
    buffer.put();
  });
  expect(messages).toEqual([
    "bracket-imbalance: main ends CPU access as FROM_DEVICE that it began as BIDIRECTIONAL",
  ]);
});

test("power-off disposes of what plugins made, the last first, and collects the errors", () => {
  const gone: string[] = [];
  const part = (name: string, fails: boolean) => ({
    *allocate(): Process<never> {
      yield 0;
      throw new Error("not needed");
    },
    [Symbol.dispose]() {
      gone.push(name);
      if (fails) throw new Error(name);
    },
  });
  const plugin = definePlugin({
    name: "test/parts",
    provides: {
      exporters: {
        one: () => part("one", true),
        two: () => part("two", false),
        three: () => part("three", true),
      },
    },
  });
  const { board, plugins } = platform;
  const boot = () => {
    using system = assemble(board, [...plugins, plugin]).boot();
    for (const name of ["one", "two", "three"]) system.exporter(name);
  };
  expect(boot).toThrow("2 plugins failed to power off");
  expect(gone).toEqual(["three", "two", "one"]);
});

test("tasks that wait for each other are a deadlock that says who waits for what", () => {
  const messages = found(function* (system) {
    const [a, b] = [
      yield* system.exporter("syncing").allocate(4096),
      yield* system.exporter("syncing").allocate(4096),
    ] as const;
    const { simulation } = system;
    const hold = function* (first: typeof a, second: typeof a): Process {
      yield* first.resv.lock();
      yield 10;
      yield* second.resv.lock();
    };
    simulation.spawn("one", hold(a, b));
    simulation.spawn("two", hold(b, a));
  });
  const deadlock = messages.find((message) => message.startsWith("deadlock"));
  expect(deadlock).toMatch(/one waits for the reservation lock of dma-buf 2, which two holds/);
  expect(deadlock).toMatch(/two waits for the reservation lock of dma-buf 1, which one holds/);
});

test("what the kernel would warn of is dma-api-misuse with the rule", () => {
  const messages = found(function* (system) {
    const buffer = yield* system.exporter("syncing").allocate(4096);
    yield* buffer.resv.lock();
    yield* buffer.beginCpuAccess("from-device");
    yield* buffer.endCpuAccess("from-device");
    buffer.resv.unlock();
    buffer.put();
  });
  expect(messages.filter((message) => message.startsWith("dma-api-misuse"))).toEqual([
    expect.stringContaining("(B-50)"),
    expect.stringContaining("(B-52)"),
  ]);
});

test("a hazard of a process of one's own names the device and the place in the buffer", () => {
  const { findings } = platform.inspect(function* (system: System) {
    const buffer = yield* system.exporter("syncing").allocate(8192);
    const usb = yield* system.importer("direct").attach(buffer, "from-device");
    const dac = yield* system.importer("snoop").attach(buffer, "to-device");
    const received = yield* usb.transfer("write", { offset: 4096 });
    yield* received.wait();
    received.put();
    const played = yield* dac.transfer("read");
    yield* played.wait();
    played.put();
    yield* usb.detach();
    yield* dac.detach();
    buffer.put();
  });
  expect(findings.find(({ code }) => code === "stale-read")).toMatchObject({
    device: "snoop",
    buffer: "syncing",
    range: [4096, 8192],
    other: { device: "direct" },
  });
});
