// SPDX-License-Identifier: MIT
import type { DmaBuf, Process } from "@dmabuf/core";
import { MILLISECOND, SECOND } from "@dmabuf/core/sim";
import { dmaFenceSignaled } from "@dmabuf/core/sync";
import { describe, expect, test } from "vitest";
import { IIO_BUFFER_DMABUF_CYCLIC } from "../src/index.ts";
import { ended, errnoOf, IioBench } from "./iio-bench.ts";

describe("ATTACH and DETACH (IO-1, IO-4)", () => {
  test.each([
    ["in", "from-device"],
    ["out", "to-device"],
  ] as const)("an %s buffer maps %s, with the reservation held", (direction, mapped) => {
    const bench = new IioBench();
    const { buffer, exporter } = bench.export();
    const iioBuffer = bench.converter.open(direction);
    bench.run(
      (function* () {
        yield* iioBuffer.attach(buffer);
        expect(exporter.maps).toEqual([{ direction: mapped, locked: true }]);
        expect([buffer.references, buffer.attachments.length, iioBuffer.state(buffer)]).toEqual([
          2,
          1,
          "done",
        ]);
        yield* iioBuffer.detach(buffer);
        expect([buffer.references, buffer.attachments.length, iioBuffer.state(buffer)]).toEqual([
          1,
          0,
          undefined,
        ]);
      })(),
    );
  });

  test("a dma-buf that is attached already is EBUSY and leaves nothing behind; another IIO buffer may have it", () => {
    const bench = new IioBench();
    const { buffer, exporter } = bench.export();
    const [one, two] = [bench.converter.open("in"), bench.converter.open("in")];
    bench.run(
      (function* () {
        yield* one.attach(buffer);
        expect(yield* errnoOf(one.attach(buffer))).toBe("EBUSY");
        expect([buffer.references, buffer.attachments.length, exporter.mapped]).toEqual([2, 1, 1]);
        yield* two.attach(buffer);
        expect(buffer.attachments.length).toBe(2);
      })(),
    );
  });

  test("detaching what is not attached is EPERM", () => {
    const bench = new IioBench();
    const { buffer } = bench.export();
    const iioBuffer = bench.converter.open("in");
    expect(() => bench.run(iioBuffer.detach(buffer))).toThrow(
      "IIO_BUFFER_DMABUF_DETACH_IOCTL: -EPERM: direct IIO in buffer: buffer 1 is not attached to it",
    );
  });

  test("a buffer that was enabled without dma-bufs is in file-I/O mode: EBUSY until it is disabled", () => {
    const bench = new IioBench();
    const { buffer } = bench.export();
    const iioBuffer = bench.converter.open("out");
    bench.run(
      (function* () {
        iioBuffer.enable();
        expect([iioBuffer.fileIo, yield* errnoOf(iioBuffer.attach(buffer))]).toEqual([true, "EBUSY"]);
        expect([buffer.references, buffer.attachments.length]).toEqual([1, 0]);
        iioBuffer.disable();
        yield* iioBuffer.attach(buffer);
        iioBuffer.enable();
        expect(iioBuffer.fileIo).toBe(false);
      })(),
    );
  });

  test("nonblock answers EBUSY when the reservation is locked before the map", () => {
    const bench = new IioBench();
    const { buffer } = bench.export();
    const { simulation } = bench.system;
    simulation.spawn("first", hold(buffer, MILLISECOND));
    const attach = simulation.spawn(
      "attach",
      errnoOf(bench.converter.open("in").attach(buffer, { nonblock: true })),
    );
    simulation.spawn("second", hold(buffer, MILLISECOND, 1));
    simulation.run();
    expect(attach.result).toBe("EBUSY");
    expect([buffer.references, buffer.attachments.length]).toEqual([1, 0]);
  });

  test("a converter has one direction when it says so", () => {
    const bench = new IioBench({ direction: "in" });
    const { buffer } = bench.export();
    expect(() => bench.converter.open("out")).toThrow(
      "IIO_BUFFER_GET_FD_IOCTL: -EINVAL: direct captures into memory, it never plays from memory",
    );
    expect(() => bench.run(bench.converter.attach(buffer, "to-device"))).toThrow("never plays from memory");
    expect(() => bench.run(bench.converter.attach(buffer, "bidirectional"))).toThrow(
      "-EINVAL: an IIO buffer of direct captures (in) or plays (out), never both",
    );
    expect(buffer.references).toBe(1);
  });
});

describe("ENQUEUE: the order of the checks (IO-2)", () => {
  test("flags, size, attached", () => {
    const bench = new IioBench();
    const { buffer } = bench.export();
    const capture = bench.converter.open("in");
    bench.run(
      (function* () {
        expect(yield* errnoOf(capture.enqueue(buffer, { flags: 2, bytesUsed: 0 }))).toBe("EINVAL");
        expect(yield* errnoOf(capture.enqueue(buffer, { flags: 0xffff_ffff }))).toBe("EINVAL");
        expect(yield* errnoOf(capture.enqueue(buffer, { flags: IIO_BUFFER_DMABUF_CYCLIC }))).toBe("EINVAL");
        for (const bytesUsed of [0, 4097, 2 ** 40]) {
          expect(yield* errnoOf(capture.enqueue(buffer, { bytesUsed })), String(bytesUsed)).toBe("EINVAL");
        }
        expect(yield* errnoOf(capture.enqueue(buffer))).toBe("EPERM");
        yield* capture.attach(buffer);
        expect(yield* errnoOf(capture.enqueue(buffer, { bytesUsed: 4096 }))).toBe(null);
        expect(yield* errnoOf(capture.enqueue(buffer, { flags: 2 })), "flags still come first").toBe(
          "EINVAL",
        );
        yield* capture.detach(buffer);
      })(),
    );
  });
});

describe("ENQUEUE: fences and blocks (IO-3)", () => {
  test.each([
    ["in", "write", "write"],
    ["out", "read", "read"],
  ] as const)("an %s buffer publishes a %s fence and the device %ss", (direction, usage, kind) => {
    const bench = new IioBench();
    const { buffer } = bench.export();
    const iioBuffer = bench.converter.open(direction);
    bench.run(
      (function* () {
        yield* iioBuffer.attach(buffer);
        iioBuffer.enable();
        const fence = yield* iioBuffer.enqueue(buffer, { bytesUsed: 1000 });
        expect(iioBuffer.state(buffer)).toBe("active");
        expect(fence.driverName).toBe("iio");
        expect(buffer.resv.testSignaled("write")).toBe(usage === "read");
        expect(buffer.resv.testSignaled("read")).toBe(false);
        expect(yield* ended(fence)).toBe("signaled");
        expect(iioBuffer.state(buffer)).toBe("done");
      })(),
    );
    expect(bench.accesses).toEqual([kind]);
    expect(bench.system.analysis.log.extents(0).bytes).toBe(1000);
  });

  test("before the buffer is enabled a block stays queued, and a second enqueue is EPERM", () => {
    const bench = new IioBench();
    const { buffer } = bench.export();
    const player = bench.converter.open("out");
    const errors: string[] = [];
    bench.run(
      (function* () {
        yield* player.attach(buffer);
        const fence = yield* player.enqueue(buffer);
        expect(player.state(buffer)).toBe("queued");
        bench.system.simulation.trace.subscribe(dmaFenceSignaled, (event) =>
          errors.push(`${event.get("seqno")}`),
        );
        expect(yield* errnoOf(player.enqueue(buffer))).toBe("EPERM");
        expect(errors, "its fence was published and has signaled").toEqual(["2"]);
        yield SECOND;
        expect([bench.accesses, fence.isSignaled]).toEqual([[], false]);
        player.enable();
        expect(yield* ended(fence)).toBe("signaled");
      })(),
    );
    expect(bench.accesses).toEqual(["read"]);
  });

  test("enqueueing an active block is EBUSY, after its fence was published: the first one is hidden (R-19)", () => {
    const bench = new IioBench();
    const { buffer } = bench.export(1 << 20);
    const player = bench.converter.open("out");
    bench.run(
      (function* () {
        yield* player.attach(buffer);
        player.enable();
        const fence = yield* player.enqueue(buffer);
        yield 10;
        expect(yield* errnoOf(player.enqueue(buffer))).toBe("EBUSY");
        expect(fence.isSignaled).toBe(false);
        expect(buffer.resv.testSignaled("read"), "the device still reads").toBe(true);
        expect(yield* ended(fence)).toBe("signaled");
      })(),
    );
  });

  test("two captures of one dma-buf: the second waits, EBUSY at once with nonblock, else after 5 s", () => {
    const bench = new IioBench();
    const { buffer } = bench.export();
    const capture = bench.converter.open("in");
    bench.run(
      (function* () {
        yield* capture.attach(buffer);
        const fence = yield* capture.enqueue(buffer);
        const before = bench.now;
        expect(yield* errnoOf(capture.enqueue(buffer, { nonblock: true }))).toBe("EBUSY");
        expect(bench.now).toBe(before);
        expect(yield* errnoOf(capture.enqueue(buffer))).toBe("EBUSY");
        expect(bench.now - before).toBe(5 * SECOND);
        capture.enable();
        expect(yield* ended(fence)).toBe("signaled");
        expect(yield* ended(yield* capture.enqueue(buffer))).toBe("signaled");
        yield* capture.detach(buffer);
      })(),
    );
    expect(buffer.references).toBe(1);
  });

  test("a block that is detached while its next enqueue waits is dead: EBUSY", () => {
    const bench = new IioBench();
    const { buffer, exporter } = bench.export();
    const capture = bench.converter.open("in");
    bench.run(
      (function* () {
        yield* capture.attach(buffer);
        const fence = yield* capture.enqueue(buffer);
        const second = bench.system.simulation.spawn("second", errnoOf(capture.enqueue(buffer)));
        yield 100;
        yield* capture.detach(buffer);
        expect([fence.status, yield* second.join()]).toEqual(["EINTR", "EBUSY"]);
        fence.put();
        yield MILLISECOND;
        expect([exporter.mapped, buffer.references, bench.accesses]).toEqual([0, 1, []]);
      })(),
    );
  });

  test("a signal ends the wait for fences with EINTR, and no fence is left", () => {
    const bench = new IioBench();
    const { buffer } = bench.export();
    const capture = bench.converter.open("in");
    const { simulation, dmaBuf } = bench.system;
    bench.run(
      (function* () {
        yield* capture.attach(buffer);
        const fence = yield* capture.enqueue(buffer);
        const live = dmaBuf.fences.live;
        const task = simulation.spawn("waits", errnoOf(capture.enqueue(buffer)));
        yield 100;
        task.interrupt();
        expect(yield* task.join()).toBe("EINTR");
        expect(dmaBuf.fences.live).toBe(live);
        yield* capture.detach(buffer);
        fence.put();
      })(),
    );
  });
});

describe("stopping (IO-2, IO-4, IO-5)", () => {
  test("a cyclic block plays until the buffer is disabled; its fence says EINTR", () => {
    const bench = new IioBench();
    const { buffer } = bench.export();
    const player = bench.converter.open("out");
    bench.run(
      (function* () {
        yield* player.attach(buffer);
        player.enable();
        const fence = yield* player.enqueue(buffer, { flags: IIO_BUFFER_DMABUF_CYCLIC });
        yield 10 * SECOND;
        expect([fence.isSignaled, player.state(buffer)]).toEqual([false, "active"]);
        player.disable();
        expect([fence.status, player.state(buffer)]).toEqual(["EINTR", "done"]);
        fence.put();
      })(),
    );
    expect(bench.accesses, "the first time and the last").toEqual(["read", "read"]);
  });

  test("a cyclic block ends when it is detached", () => {
    const bench = new IioBench();
    const { buffer, exporter } = bench.export();
    const player = bench.converter.open("out");
    bench.run(
      (function* () {
        yield* player.attach(buffer);
        player.enable();
        const fence = yield* player.enqueue(buffer, { flags: IIO_BUFFER_DMABUF_CYCLIC });
        yield SECOND;
        yield* player.detach(buffer);
        expect(yield* ended(fence)).toBe("EINTR");
        yield MILLISECOND;
        expect([exporter.mapped, buffer.references, buffer.attachments.length]).toEqual([0, 1, 0]);
      })(),
    );
  });

  test("disabling takes back what the engine has; what was only queued is done after the next enable", () => {
    const bench = new IioBench();
    const [one, two] = [bench.export(1 << 20), bench.export()];
    const player = bench.converter.open("out");
    bench.run(
      (function* () {
        for (const { buffer } of [one, two]) yield* player.attach(buffer);
        player.enable();
        const active = yield* player.enqueue(one.buffer);
        yield 10;
        player.disable();
        const queued = yield* player.enqueue(two.buffer);
        player.disable();
        expect([active.status, queued.status, player.state(two.buffer)]).toEqual([
          "EINTR",
          "active",
          "queued",
        ]);
        player.enable();
        expect(yield* ended(queued)).toBe("signaled");
        active.put();
      })(),
    );
  });

  test("a queued block that is detached signals EINTR and never reaches the device", () => {
    const bench = new IioBench();
    const { buffer, exporter } = bench.export();
    const capture = bench.converter.open("in");
    bench.run(
      (function* () {
        yield* capture.attach(buffer);
        const fence = yield* capture.enqueue(buffer);
        yield* capture.detach(buffer);
        expect(yield* ended(fence)).toBe("EINTR");
        capture.enable();
        yield SECOND;
        expect([bench.accesses, exporter.mapped, buffer.references]).toEqual([[], 0, 1]);
      })(),
    );
  });

  test("cleanup is left to a worker: the fence has signaled when the mapping is still there", () => {
    const bench = new IioBench();
    const { buffer, exporter } = bench.export();
    const capture = bench.converter.open("in");
    bench.run(
      (function* () {
        yield* capture.attach(buffer);
        capture.enable();
        const fence = yield* capture.enqueue(buffer);
        yield* capture.detach(buffer);
        expect([fence.isSignaled, exporter.mapped]).toEqual([true, 1]);
        fence.put();
        yield MILLISECOND;
        expect(exporter.unmaps).toEqual([{ direction: "from-device", locked: true }]);
      })(),
    );
  });
});

describe("as pipelines use it", () => {
  test("a dma-buf is enqueued again when it has been done", () => {
    const bench = new IioBench();
    const { buffer } = bench.export();
    bench.run(
      (function* () {
        const imported = yield* bench.converter.attach(buffer, "to-device");
        for (let frame = 0; frame < 3; frame++) (yield* imported.transfer("read")).put();
        yield* buffer.resv.wait("read");
        yield* imported.detach();
      })(),
    );
    expect(bench.accesses).toEqual(["read", "read", "read"]);
    expect([buffer.references, buffer.attachments.length]).toEqual([1, 0]);
  });
});

/** Keeps the reservation locked for a while. */
function* hold({ resv }: DmaBuf, ns: number, start = 0): Process {
  yield start;
  yield* resv.lock();
  yield ns;
  resv.unlock();
}
