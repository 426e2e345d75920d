// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { type Attachment, KernelError, linux72, type Process, type SgMapping } from "../../src/index.ts";
import { BufferBench } from "./buffer-bench.ts";

function* errnoOf(process: Process<unknown>): Process<string | null> {
  try {
    yield* process;
    return null;
  } catch (error) {
    if (error instanceof KernelError) return error.errno;
    throw error;
  }
}

describe("attach", () => {
  test("the exporter is asked before the device is listed, without the reservation (B-23, B-24)", () => {
    const bench = new BufferBench();
    const { buffer, exporter, system } = bench;
    const listed: number[] = [];
    const { attach } = exporter;
    exporter.attach = function* (...call) {
      listed.push(buffer.attachments.length);
      yield* attach.apply(exporter, call);
    };
    const attachment = bench.run(buffer.attach(system.device("direct")));
    expect([exporter.calls, listed]).toEqual([["attach"], [0]]);
    expect(buffer.attachments).toEqual([attachment]);
    const event = [...system.simulation.trace.events()].find(
      ({ point }) => point.name === "dma_buf_dynamic_attach",
    );
    expect(String(event)).toBe(
      "dma_buf_dynamic_attach: dev_name=direct exp_name=open size=12288 ino=1 attach=1 is_dynamic=false",
    );
  });

  test("what the exporter refuses is not attached, and not detached either (B-23)", () => {
    const bench = new BufferBench();
    const { buffer, exporter, system } = bench;
    exporter.attach = function* () {
      yield 0;
      throw new KernelError("EOPNOTSUPP", "attach", "not for this device");
    };
    expect(bench.run(errnoOf(buffer.attach(system.device("direct"))))).toBe("EOPNOTSUPP");
    expect([buffer.attachments.length, exporter.calls]).toEqual([0, []]);
  });

  test("one device may attach more than once; attachments are listed as they came", () => {
    const bench = new BufferBench();
    const { buffer, system } = bench;
    const attachments = ["direct", "snooping", "direct"].map((name) =>
      bench.run(buffer.attach(system.device(name))),
    );
    expect(buffer.attachments).toEqual(attachments);
    expect(new Set(attachments.map(({ id }) => id)).size).toBe(3);
    bench.run((attachments[0] as Attachment).detach());
    expect(buffer.attachments).toEqual(attachments.slice(1));
  });
});

describe("map and unmap", () => {
  test("the exporter maps each time, when the kernel caches nothing (B-37, B-41)", () => {
    const bench = new BufferBench();
    bench.run(
      (function* () {
        const attachment = yield* bench.buffer.attach(bench.system.device("direct"));
        for (const direction of ["to-device", "from-device"] as const) {
          const mapping = yield* attachment.mapUnlocked(direction);
          expect([mapping.direction, attachment.mappings]).toEqual([direction, 1]);
          yield* attachment.unmapUnlocked(mapping);
        }
        yield* attachment.detach();
      })(),
    );
    expect(bench.exporter.calls).toEqual([
      "attach",
      "map to-device locked",
      "unmap locked",
      "map from-device locked",
      "unmap locked",
      "detach",
    ]);
    expect(bench.complaints).toEqual([]);
  });

  test("an exporter that asks for it is asked to map once, until detach (B-35, B-38, B-41)", () => {
    const bench = new BufferBench({}, true);
    bench.run(
      (function* () {
        const attachment = yield* bench.buffer.attach(bench.system.device("direct"));
        const mapping = yield* attachment.mapUnlocked("to-device");
        const done = bench.maintenance.length;
        expect(yield* attachment.mapUnlocked("to-device")).toBe(mapping);
        expect(bench.maintenance.length, "a kept mapping costs no maintenance").toBe(done);
        expect(yield* errnoOf(attachment.mapUnlocked("from-device"))).toBe("EBUSY");
        expect(yield* errnoOf(attachment.mapUnlocked("bidirectional"))).toBe("EBUSY");
        yield* attachment.unmapUnlocked(mapping);
        yield* attachment.unmapUnlocked(mapping);
        expect(yield* errnoOf(attachment.mapUnlocked("from-device")), "still kept").toBe("EBUSY");
        expect(bench.system.dma.live.size).toBe(1);
        yield* attachment.detach();
        expect(bench.system.dma.live.size).toBe(0);
      })(),
    );
    expect(bench.exporter.calls).toEqual(["attach", "map to-device locked", "unmap locked", "detach"]);
    expect(bench.complaints).toEqual([]);
  });

  test("a mapping kept for both directions serves each (B-35)", () => {
    const bench = new BufferBench({}, true);
    bench.run(
      (function* () {
        const attachment = yield* bench.buffer.attach(bench.system.device("direct"));
        const mapping = yield* attachment.mapUnlocked("bidirectional");
        expect(yield* attachment.mapUnlocked("to-device")).toBe(mapping);
        expect(yield* attachment.mapUnlocked("from-device")).toBe(mapping);
      })(),
    );
  });

  test("since 6.16 core keeps none (linux72)", () => {
    const bench = new BufferBench({ kernel: linux72 }, true);
    bench.run(
      (function* () {
        const attachment = yield* bench.buffer.attach(bench.system.device("direct"));
        const one = yield* attachment.mapUnlocked("to-device");
        const two = yield* attachment.mapUnlocked("from-device");
        expect(one).not.toBe(two);
        yield* attachment.unmapUnlocked(one);
        yield* attachment.unmapUnlocked(two);
      })(),
    );
    expect(bench.exporter.calls.filter((call) => call === "unmap locked")).toHaveLength(2);
  });

  test("a fresh mapping waits for kernel fences, for no others (B-37, A.5)", () => {
    const bench = new BufferBench();
    bench.run(
      (function* () {
        for (const usage of ["write", "read", "bookkeep"] as const) yield* bench.fence(usage);
        yield* bench.fence("kernel", 5000);
        const attachment = yield* bench.buffer.attach(bench.system.device("snooping"));
        yield* attachment.mapUnlocked("to-device");
        expect(bench.system.simulation.now).toBe(5000);
      })(),
    );
  });

  test("a signal ends that wait: the mapping is undone (B-37)", () => {
    const bench = new BufferBench({}, true);
    const { simulation } = bench.system;
    const task = simulation.spawn(
      "maps",
      (function* (): Process<string | null> {
        yield* bench.fence("kernel");
        const attachment = yield* bench.buffer.attach(bench.system.device("direct"));
        const errno = yield* errnoOf(attachment.mapUnlocked("to-device"));
        expect([attachment.mappings, bench.system.dma.live.size, bench.buffer.resv.isLocked]).toEqual([
          0,
          0,
          false,
        ]);
        yield* attachment.detach();
        return errno;
      })(),
    );
    simulation.timer(() => task.interrupt()).arm(100_000);
    simulation.run();
    expect(task.result).toBe("EINTR");
    expect(bench.exporter.calls).toEqual(["attach", "map to-device locked", "unmap locked", "detach"]);
  });

  test("an error of the exporter passes, and nothing counts as mapped", () => {
    const bench = new BufferBench();
    bench.run(
      (function* () {
        const far = yield* bench.buffer.attach(bench.system.device("far"));
        expect(yield* errnoOf(far.mapUnlocked("to-device"))).toBe("EIO");
        expect([far.mappings, bench.buffer.resv.isLocked]).toEqual([0, false]);
        yield* far.detach();
      })(),
    );
    expect(bench.complaints).toEqual([]);
  });
});

describe("detach", () => {
  test("a mapping that the importer still has is noted as a leak (B-28)", () => {
    const bench = new BufferBench();
    bench.run(
      (function* () {
        const attachment = yield* bench.buffer.attach(bench.system.device("direct"));
        yield* attachment.mapUnlocked("to-device");
        yield* attachment.detach();
      })(),
    );
    const [complaint] = bench.system.simulation.diagnostics.entries;
    expect([complaint?.rule, complaint?.text]).toEqual(["B-28", "direct still has the buffer mapped"]);
    expect(bench.buffer.attachments).toEqual([]);
  });

  test("a second time is noted and does nothing (B-27)", () => {
    const bench = new BufferBench();
    bench.run(
      (function* () {
        const attachment = yield* bench.buffer.attach(bench.system.device("direct"));
        yield* attachment.detach();
        yield* attachment.detach();
      })(),
    );
    expect(bench.complaints).toEqual(["B-27 dma_buf_detach"]);
    expect(bench.exporter.calls).toEqual(["attach", "detach"]);
  });
});

describe("transfers", () => {
  const transferring = (
    play: (bench: BufferBench, attachment: Attachment, mapping: SgMapping) => Process,
    device = "snooping",
  ): BufferBench => {
    const bench = new BufferBench();
    bench.run(
      (function* () {
        const attachment = yield* bench.buffer.attach(bench.system.device(device));
        const mapping = yield* attachment.mapUnlocked("bidirectional");
        yield* play(bench, attachment, mapping);
      })(),
    );
    return bench;
  };
  const times = (bench: BufferBench): [string, number][] =>
    [...bench.system.simulation.trace.events()]
      .filter(({ point }) => point.name === "dma_access")
      .map((event) => [`${event.text("kind")} ${event.get("bytes")}`, event.time]);

  test("a read observes memory when it starts, a write reaches it when it ends; one after the other", () => {
    const done: number[] = [];
    const bench = transferring(function* ({ system }, attachment, mapping) {
      const { simulation } = system;
      const complete = (): void => void done.push(simulation.now);
      attachment.transfer(mapping, "read", 0, 4096, complete);
      attachment.transfer(mapping, "write", 4096, 4096, complete);
      yield 1_000_000;
    });
    const duration = Math.ceil((4096 / 2 ** 30) * 1e9);
    expect(times(bench)).toEqual([
      ["read 4096", 0],
      ["write 4096", 2 * duration],
    ]);
    expect(done).toEqual([duration, 2 * duration]);
  });

  test("one that waits for the engine can be taken back, and never touches memory", () => {
    const bench = transferring(function* (_bench, attachment, mapping) {
      attachment.transfer(mapping, "read", 0, 4096, () => {});
      const second = attachment.transfer(mapping, "read", 4096, 4096, () => expect.unreachable());
      yield 10;
      expect(attachment.cancel(second)).toBe(true);
      expect(attachment.cancel(second)).toBe(false);
      yield 1_000_000;
    });
    expect(times(bench)).toEqual([["read 4096", 0]]);
  });

  test("one that is done cannot", () => {
    transferring(function* (_bench, attachment, mapping) {
      const transfer = attachment.transfer(mapping, "write", 0, 64, () => {});
      yield 1_000_000;
      expect(attachment.cancel(transfer)).toBe(false);
    });
  });

  test("a write that is taken back reaches no memory; a cyclic read goes once more", () => {
    const bench = transferring(function* (_bench, attachment, mapping) {
      const write = attachment.transfer(mapping, "write", 0, 4096, () => expect.unreachable());
      yield 10;
      expect(attachment.cancel(write)).toBe(true);
      const cyclic = attachment.transfer(mapping, "read", 0, 64, () => expect.unreachable(), {
        cyclic: true,
      });
      yield 1_000_000;
      expect(attachment.cancel(cyclic)).toBe(true);
    });
    expect(times(bench)).toEqual([
      ["read 64", 10],
      ["read 64", 1_000_010],
    ]);
  });
});
