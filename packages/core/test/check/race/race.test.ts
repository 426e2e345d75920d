// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { type Extents, type Finding, type System, severityOf } from "../../../src/index.ts";
import { type Process, Scheduler, WaitQueue } from "../../../src/sim.ts";
import { DmaFence } from "../../../src/sync.ts";
import { acquisition } from "../../platform/acquisition.ts";

const platform = acquisition();
const races = (process: (system: System) => Process): readonly Finding[] =>
  platform.inspect(process).findings.filter(({ code }) => code === "race");

/** A buffer that `direct` writes and `direct2` reads, by what `connect` makes of them. */
const between = (
  connect: (
    system: System,
    write: () => Process<DmaFence>,
    read: (fence?: DmaFence) => Process<DmaFence>,
  ) => Process,
) =>
  races(function* (system) {
    const buffer = yield* system.exporter("syncing").allocate(4096);
    const writer = buffer.attach(system.device("direct"));
    const reader = buffer.attach(system.device("direct2"));
    const [from, to] = [yield* writer, yield* reader];
    const mapped = [yield* from.mapUnlocked("from-device"), yield* to.mapUnlocked("to-device")] as const;
    const context = system.dmaBuf.fences.contextAlloc(2);
    const fences: DmaFence[] = [];
    const job = (which: 0 | 1): DmaFence => {
      const name = which === 0 ? "producer" : "consumer";
      const fence = DmaFence.init(
        system.dmaBuf.fences,
        { driverName: name, timelineName: "ring" },
        context + which,
        1,
      );
      fences.push(fence);
      const attachment = which === 0 ? from : to;
      attachment.transfer(mapped[which], which === 0 ? "write" : "read", 0, 4096, () => fence.signal());
      return fence;
    };
    yield* connect(
      system,
      function* () {
        return job(0);
      },
      function* () {
        return job(1);
      },
    );
    yield 1_000_000_000;
    for (const fence of fences) yield* fence.wait();
    yield* from.unmapUnlocked(mapped[0]);
    yield* to.unmapUnlocked(mapped[1]);
    yield* from.detach();
    yield* to.detach();
    buffer.put();
  });

describe("two devices", () => {
  it("that nothing orders race, however long one of them waits; the finding names the fence", () => {
    const found = between(function* (_system, write, read) {
      yield* write();
      yield 500_000_000;
      yield* read();
    });
    expect(found).toMatchObject([
      {
        code: "race",
        severity: "error",
        device: "direct2",
        range: [0, 4096],
        other: { device: "direct" },
        fix: [
          expect.stringContaining(
            "have direct2 wait for the fence producer ring seq 1, which direct signals, before direct2 reads",
          ),
        ],
      },
    ]);
    expect(found[0]?.because.map(({ event }) => event)).toContain("dma:dma_access");
    expect(severityOf("race")).toBe("error");
  });

  it("do not when one waits for the other's fence, as a task, for any or all, or by callback", () => {
    const waits: ((fence: DmaFence) => Process<unknown>)[] = [
      (fence) => fence.wait(),
      (fence) => fence.pool.waitAny([fence.id]),
      (fence) => fence.pool.waitAll([fence.id]),
    ];
    for (const wait of waits) {
      const found = between(function* (_system, write, read) {
        yield* wait(yield* write());
        yield* read();
      });
      expect(found).toEqual([]);
    }
    const called = between(function* (system, write, read) {
      const fence = yield* write();
      fence.addCallback(() => {
        system.simulation.spawn("after", read());
      });
    });
    expect(called).toEqual([]);
  });

  it("do not when somebody saw the fence signaled and went on because of it", () => {
    const polled = between(function* (_system, write, read) {
      const fence = yield* write();
      while (!fence.isSignaled) yield 1000;
      yield* read();
    });
    expect(polled).toEqual([]);
    const late = between(function* (_system, write, read) {
      const fence = yield* write();
      yield 500_000_000;
      if (fence.addCallback(() => {}) === null) yield* read();
    });
    expect(late).toEqual([]);
  });

  it("a wait that times out orders nothing", () => {
    const found = between(function* (_system, write, read) {
      const fence = yield* write();
      expect(yield* fence.wait({ timeout: 1 })).toBe(0);
      yield* read();
    });
    expect(found).toHaveLength(1);
  });

  it("order is passed on by tasks: joining, spawning, queues", () => {
    const joined = between(function* (system, write, read) {
      const task = system.simulation.spawn(
        "submitter",
        (function* () {
          yield* (yield* write()).wait();
        })(),
      );
      yield 500_000_000;
      yield* task.join();
      yield* read();
    });
    expect(joined).toEqual([]);
    const unjoined = between(function* (system, write, read) {
      system.simulation.spawn(
        "submitter",
        (function* () {
          yield* (yield* write()).wait();
        })(),
      );
      yield 500_000_000;
      yield* read();
    });
    expect(unjoined).toHaveLength(1);
    const queued = (looks: boolean) =>
      between(function* (system, write, read) {
        const queue = new WaitQueue(system.simulation, "done");
        let done = false;
        system.simulation.spawn(
          "submitter",
          (function* () {
            yield* (yield* write()).wait();
            done = true;
            queue.wakeAll();
          })(),
        );
        yield 500_000_000;
        if (looks) yield* queue.waitUntil(() => done);
        yield* read();
      });
    expect(queued(true)).toEqual([]);
    expect(queued(false)).toHaveLength(1);
  });
});

describe("a pipeline", () => {
  const stages = [
    { device: "direct", writes: "b" },
    { device: "snoop", reads: "b" },
    { name: "look", cpu: true, reads: "b" },
  ] as const;
  const run = (rest: object = {}) =>
    platform.run({
      buffers: { b: { size: 8192, count: 2 } },
      stages,
      exporter: "syncing",
      frames: 6,
      coherency: "device-to-device",
      ...rest,
    });
  const codes = (rest: object) => run(rest).findings.map(({ code }) => code);

  it("done right has no race", () => {
    expect(codes({})).not.toContain("race");
  });

  it("whose CPU stage opens its bracket and waits in it races with the device: the maintenance comes too early", () => {
    const look = { name: "look", cpu: true, reads: "b", wait: "ioctl" };
    const report = run({ stages: [stages[0], look], coherency: "kernel" });
    expect(report.verdict).toBe("incoherent");
    const found = report.findings.filter(({ code }) => code === "race");
    expect(found.map(({ stage, other }) => [stage, other?.stage].sort())).toContainEqual(["direct", "look"]);
  });
});

describe("false sharing", () => {
  /** A device writes the first half of a line while the CPU writes the second; `before` comes ahead of both. */
  const halves = (device: string, before: (system: System, extents: Extents) => void = () => {}) =>
    races(function* (system) {
      const buffer = yield* system.exporter("skipping").allocate(4096);
      const attachment = yield* buffer.attach(system.device(device));
      const mapping = yield* attachment.mapUnlocked("bidirectional");
      const { extents } = mapping;
      before(system, extents);
      let done = false;
      attachment.transfer(mapping, "write", 0, 32, () => {
        done = true;
      });
      system.cpu.access("write", extents.slice(32, 32));
      while (!done) yield 1000;
      yield* attachment.unmapUnlocked(mapping);
      yield* attachment.detach();
      buffer.put();
    }).filter(({ range }) => (range?.[0] ?? 0) < 64 && (range?.[1] ?? 0) <= 64);

  it("of a device that does not snoop with the CPU is a race", () => {
    expect(halves("direct").length).toBeGreaterThan(0);
  });

  it("is none where hardware keeps the line coherent: descriptor rings live on that", () => {
    expect(halves("snoop")).toEqual([]);
  });

  it("is one again when maintenance touches the line", () => {
    const found = halves("snoop", (system, extents) => {
      system.cpu.maintain([{ kind: "clean", domain: "cpu", extents: extents.slice(0, 64) }]);
    });
    expect(found.map(({ code }) => code)).toContain("race");
  });
});

describe("under many schedules", () => {
  it("a driver that forgets to wait is found in the first, whichever it is", () => {
    const forgetful = function* (system: System): Process {
      const { simulation } = system;
      const buffer = yield* system.exporter("syncing").allocate(4096);
      const mapping = buffer.mmap();
      const write = function* (): Process {
        yield* mapping.write(0, 64);
      };
      const tasks = ["one", "two"].map((name) => simulation.spawn(name, write()));
      for (const task of tasks) yield* task.join();
      mapping.unmap();
      buffer.put();
    };
    for (let seed = 0; seed < 10; seed++) {
      const scheduler = new Scheduler({ kind: "random", seed, slack: 1000 });
      const { findings } = platform.inspect(forgetful, { scheduler });
      const found = findings.filter(({ code }) => code === "race");
      expect(found).toHaveLength(1);
      expect(found.map(({ stage, other }) => [stage, other?.stage].sort())).toEqual([["one", "two"]]);
    }
  });

  it("a livelock is a finding that names who runs", () => {
    const { findings } = platform.inspect(function* (system) {
      let ready = false;
      const task = system.simulation.spawn(
        "waiter",
        (function* (): Process {
          while (!ready) yield 0;
        })(),
      );
      yield* task.join();
      ready = true;
    });
    expect(findings).toMatchObject([
      { code: "deadlock" },
      { code: "deadlock", stage: "waiter", message: expect.stringContaining("livelock: nothing happens") },
    ]);
  });
});
