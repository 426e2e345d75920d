// SPDX-License-Identifier: MIT
import { type DmaBuf, Extents, type Process, type SgMapping } from "@dmabuf/core";
import { MILLISECOND, SECOND } from "@dmabuf/core/sim";
import { dmaFenceSignaled } from "@dmabuf/core/sync";
import { NotingExporter } from "@dmabuf/core/testing";
import { describe, expect, test } from "vitest";
import { errnoOf, GadgetBench } from "./gadget-bench.ts";

describe("ATTACH (FF-2)", () => {
  test.each([
    ["in", "to-device"],
    ["out", "from-device"],
  ] as const)("the %s endpoint maps %s", (direction, mapped) => {
    const bench = new GadgetBench();
    const { fd, buffer, exporter } = bench.open(8192);
    bench.run(
      (function* () {
        yield* bench.gadget[direction].open().attach(fd);
        expect(exporter.maps).toEqual([{ direction: mapped, locked: true }]);
        expect(buffer.attachments.map(({ device }) => device.name)).toEqual(["direct"]);
        expect(buffer.references).toBe(2);
      })(),
    );
  });

  test.each([
    [{ scatterGather: false }, () => {}, /takes no scatter-gather requests/],
    [{}, (bench: GadgetBench) => bench.gadget.unbind(), /direct has no gadget bound/],
  ] as const)(
    "without %o it answers EPERM, even for a descriptor that is not open",
    (options, spoil, says) => {
      const bench = new GadgetBench(options);
      spoil(bench);
      const file = bench.gadget.in.open();
      expect(() => bench.run(file.attach(-1))).toThrow(says);
      expect(() => bench.run(file.attach(999))).toThrow("FUNCTIONFS_DMABUF_ATTACH: -EPERM");
    },
  );

  test("works again once the gadget is bound again", () => {
    const bench = new GadgetBench();
    const { fd } = bench.open(4096);
    bench.gadget.unbind();
    expect([bench.gadget.in.enabled, bench.gadget.out.enabled]).toEqual([false, false]);
    bench.gadget.bind();
    bench.run(bench.gadget.out.open().attach(fd));
    expect([bench.gadget.out.enabled, bench.gadget.out.attached.length]).toEqual([true, 1]);
  });

  test("needs no enabled endpoint", () => {
    const bench = new GadgetBench();
    const { fd } = bench.open(4096);
    bench.gadget.in.disable();
    bench.run(bench.gadget.in.open().attach(fd));
    expect(bench.gadget.in.attached).toHaveLength(1);
  });

  test("O_NONBLOCK answers EBUSY when the reservation is locked before the map, and leaves nothing behind", () => {
    const bench = new GadgetBench();
    const { fd, buffer } = bench.open(4096);
    expect(contendedAttach(bench, buffer, bench.gadget.in.open({ nonblock: true }).attach(fd))).toBe("EBUSY");
    expect(bench.now).toBe(2 * MILLISECOND);
    expect([buffer.references, buffer.attachments.length]).toEqual([1, 0]);
  });

  test("without, a signal ends that wait with EINTR", () => {
    const bench = new GadgetBench();
    const { fd, buffer } = bench.open(4096);
    expect(contendedAttach(bench, buffer, bench.gadget.in.open().attach(fd))).toBe("EINTR");
    expect([buffer.references, buffer.attachments.length]).toEqual([1, 0]);
  });

  test("the same buffer twice: two references, two detaches, newest first", () => {
    const bench = new GadgetBench();
    const { fd, buffer } = bench.open(4096);
    bench.run(
      (function* () {
        const file = bench.gadget.in.open();
        yield* file.attach(fd);
        yield* file.attach(fd);
        expect([buffer.references, buffer.attachments.length]).toEqual([3, 2]);
        const [newest, oldest] = bench.gadget.in.attached;
        yield* bench.gadget.in.open().detach(fd);
        expect(bench.gadget.in.attached).toEqual([oldest]);
        expect(newest).not.toBe(oldest);
        yield* file.detach(fd);
        expect(yield* errnoOf(file.detach(fd))).toBe("EPERM");
        expect([buffer.references, buffer.attachments.length]).toEqual([1, 0]);
      })(),
    );
  });

  test("bidirectional is one clear line", () => {
    const bench = new GadgetBench();
    const { buffer } = bench.open(4096);
    expect(() => bench.run(bench.gadget.attach(buffer, "bidirectional"))).toThrow(
      "FUNCTIONFS_DMABUF_ATTACH: -EINVAL: an endpoint of direct reads (IN) or writes (OUT) a buffer, never both",
    );
    expect(buffer.references).toBe(1);
  });
});

describe("DETACH (FF-3)", () => {
  test("what was not attached answers EPERM, what is not open EBADF", () => {
    const bench = new GadgetBench();
    const { fd, buffer } = bench.open(4096);
    bench.run(
      (function* () {
        const file = bench.gadget.out.open();
        expect(yield* errnoOf(file.detach(fd))).toBe("EPERM");
        expect(yield* errnoOf(file.detach(77))).toBe("EBADF");
        yield* bench.gadget.in.open().attach(fd);
        expect(yield* errnoOf(file.detach(fd)), "attached to the other endpoint").toBe("EPERM");
      })(),
    );
    expect(buffer.references).toBe(2);
  });

  test("outstanding requests come back with ECONNRESET, the mapping goes with the last of them", () => {
    const bench = new GadgetBench();
    const { fd, buffer, exporter } = bench.open(4096);
    bench.holdHost();
    bench.run(
      (function* () {
        const file = bench.gadget.in.open();
        yield* file.attach(fd);
        const [attached] = bench.gadget.in.attached;
        yield* file.transfer(fd, { length: 4096 });
        yield* file.transfer(fd, { length: 100 });
        expect(attached?.outstanding).toBe(2);
        const fence = bench.pending(buffer, "read")?.get();
        yield* file.detach(fd);
        expect(fence?.status).toBe("ECONNRESET");
        expect(exporter.unmaps, "left to the worker").toEqual([]);
        yield MILLISECOND;
        expect(exporter.unmaps).toEqual([{ direction: "to-device", locked: true }]);
        expect([buffer.references, buffer.attachments.length]).toEqual([1, 0]);
        expect(bench.system.analysis.log.length, "the device never touched the memory").toBe(0);
        fence?.put();
      })(),
    );
  });

  test("closing a file detaches every buffer of the endpoint", () => {
    const bench = new GadgetBench();
    const [one, two] = [bench.open(4096), bench.open(8192)];
    bench.holdHost();
    bench.run(
      (function* () {
        const file = bench.gadget.out.open();
        yield* file.attach(one.fd);
        yield* bench.gadget.out.open().attach(two.fd);
        yield* file.transfer(one.fd, { length: 4096 });
        const fence = bench.pending(one.buffer, "write")?.get();
        yield* file.close();
        expect(fence?.status).toBe("ECONNRESET");
        fence?.put();
        yield MILLISECOND;
        expect([one.buffer.references, two.buffer.references]).toEqual([1, 1]);
      })(),
    );
  });

  test("a transfer that is being done ends the policy's bracket when it is taken back", () => {
    const bench = new GadgetBench({}, { coherency: "begin-end-access" });
    const { fd } = bench.open(1 << 20);
    bench.run(
      (function* () {
        const file = bench.gadget.out.open();
        yield* file.attach(fd);
        yield* file.transfer(fd, { length: 1 << 20 });
        yield 100_000;
        yield* file.detach(fd);
      })(),
    );
    const { log } = bench.system.analysis;
    const kinds = Array.from({ length: log.length }, (_, step) => log.operation(step).kind);
    expect(kinds, "handed to the device, never written, handed back").toEqual(["clean", "invalidate"]);
  });
});

describe("TRANSFER: the order of the checks (FF-4)", () => {
  test("flags, descriptor, length, attached, enabled", () => {
    const bench = new GadgetBench();
    const { fd } = bench.open(4096);
    const { fd: other } = bench.open(4096);
    bench.gadget.in.disable();
    bench.run(
      (function* () {
        const file = bench.gadget.in.open({ nonblock: true });
        yield* file.attach(fd);
        const errno = (descriptor: number, flags: number, length: number) =>
          errnoOf(file.transfer(descriptor, { flags, length }));
        expect(yield* errno(-1, 1, 0)).toBe("EINVAL");
        expect(yield* errno(-1, 0, 0)).toBe("EBADF");
        expect(yield* errno(other, 0, 0)).toBe("EINVAL");
        expect(yield* errno(other, 0, 4097)).toBe("EINVAL");
        expect(yield* errno(other, 0, 2 ** 40)).toBe("EINVAL");
        expect(yield* errno(other, 0xffff_ffff, 4096)).toBe("EINVAL");
        expect(yield* errno(other, 0, 4096)).toBe("EPERM");
        expect(yield* errno(fd, 0, 4096)).toBe("EAGAIN");
        bench.gadget.in.enable();
        expect(yield* errno(fd, 0, 4096)).toBe(null);
      })(),
    );
  });

  test("it waits for the endpoint to be enabled; a signal ends that with EINTR", () => {
    const bench = new GadgetBench();
    const { fd } = bench.open(4096);
    bench.gadget.in.disable();
    const file = bench.gadget.in.open();
    const { simulation } = bench.system;
    bench.run(
      (function* () {
        yield* file.attach(fd);
        const task = simulation.spawn("waits", errnoOf(file.transfer(fd, { length: 4096 })));
        yield 100;
        task.interrupt();
        expect(yield* task.join()).toBe("EINTR");
        simulation.timer(() => bench.gadget.in.enable()).arm(SECOND);
        yield* file.transfer(fd, { length: 4096 });
        expect(bench.now).toBeGreaterThanOrEqual(SECOND);
        yield* file.detach(fd);
      })(),
    );
  });
});

describe("TRANSFER: fences (FF-5, FF-6)", () => {
  test("IN publishes a READ fence, OUT a WRITE fence, both of functionfs", () => {
    const bench = new GadgetBench();
    const { fd, buffer } = bench.open(4096);
    const release = bench.holdHost();
    bench.run(
      (function* () {
        for (const direction of ["in", "out"] as const) yield* bench.gadget[direction].open().attach(fd);
        yield* bench.gadget.in.open().transfer(fd, { length: 4096 });
        expect([bench.pending(buffer, "write"), bench.pending(buffer, "read")?.driverName]).toEqual([
          null,
          "functionfs",
        ]);
        release();
        yield* bench.gadget.out.open().transfer(fd, { length: 4096 });
        const fence = bench.pending(buffer, "write");
        expect([fence?.driverName, fence?.timelineName]).toEqual(["functionfs", ""]);
        yield* buffer.resv.wait("read");
        expect(bench.pending(buffer, "read")).toBeNull();
      })(),
    );
  });

  test("fences of the endpoint count up, whichever buffer they are for", () => {
    const bench = new GadgetBench();
    const buffers = [bench.open(4096), bench.open(4096)];
    const seqnos: number[] = [];
    bench.system.simulation.trace.subscribe(dmaFenceSignaled, (event) => seqnos.push(event.get("seqno")));
    bench.run(
      (function* () {
        const file = bench.gadget.in.open();
        for (const { fd } of buffers) yield* file.attach(fd);
        for (const { fd } of [...buffers, ...buffers]) yield* file.transfer(fd, { length: 4096 });
        yield SECOND;
      })(),
    );
    expect(seqnos).toEqual([1, 2, 3, 4]);
  });

  test("a second OUT while one is pending: EBUSY at once with O_NONBLOCK, else after 5 s", () => {
    const bench = new GadgetBench();
    const { fd } = bench.open(4096);
    bench.holdHost();
    bench.run(
      (function* () {
        const file = bench.gadget.out.open();
        const impatient = bench.gadget.out.open({ nonblock: true });
        yield* file.attach(fd);
        yield* file.transfer(fd, { length: 4096 });
        expect(yield* errnoOf(impatient.transfer(fd, { length: 4096 }))).toBe("EBUSY");
        const before = bench.now;
        expect(yield* errnoOf(file.transfer(fd, { length: 4096 }))).toBe("EBUSY");
        expect(bench.now - before).toBe(5 * SECOND);
        yield* file.detach(fd);
      })(),
    );
  });

  test("a second IN while one is pending does not wait, and both end (kernel 6.12 faults here)", () => {
    const bench = new GadgetBench();
    const { fd, buffer } = bench.open(4096);
    const release = bench.holdHost();
    bench.run(
      (function* () {
        const file = bench.gadget.in.open();
        yield* file.attach(fd);
        yield* file.transfer(fd, { length: 4096 });
        yield* file.transfer(fd, { length: 4096 });
        expect(bench.now).toBe(0);
        release();
        yield* buffer.resv.wait("read");
        expect(bench.gadget.in.attached[0]?.outstanding).toBe(0);
      })(),
    );
    expect(bench.system.analysis.log.length).toBe(2);
  });

  test("ESHUTDOWN when the endpoint was disabled, or disabled and enabled, while it waited", () => {
    for (const comesBack of [false, true]) {
      const bench = new GadgetBench();
      const { fd, buffer } = bench.open(4096);
      bench.run(
        (function* () {
          const file = bench.gadget.in.open();
          yield* file.attach(fd);
          bench.beside(holdReservation(buffer, MILLISECOND));
          bench.system.simulation
            .timer(() => {
              bench.gadget.in.disable();
              if (comesBack) bench.gadget.in.enable();
            })
            .arm(1000);
          yield 1;
          expect(yield* errnoOf(file.transfer(fd, { length: 4096 }))).toBe("ESHUTDOWN");
          expect(bench.pending(buffer, "read"), "nothing was published").toBeNull();
          yield* file.detach(fd);
        })(),
      );
      expect(buffer.references).toBe(1);
    }
  });

  test("disabling gives every request back with ESHUTDOWN", () => {
    const bench = new GadgetBench();
    const { fd, buffer } = bench.open(4096);
    bench.holdHost();
    bench.run(
      (function* () {
        const file = bench.gadget.out.open();
        yield* file.attach(fd);
        yield* file.transfer(fd, { length: 4096 });
        const fence = bench.pending(buffer, "write")?.get();
        bench.gadget.out.disable();
        expect(fence?.status).toBe("ESHUTDOWN");
        expect(bench.gadget.out.enabled).toBe(false);
        fence?.put();
        yield MILLISECOND;
        expect(buffer.references, "still attached").toBe(2);
      })(),
    );
  });

  test("a partial transfer moves the first bytes", () => {
    const bench = new GadgetBench();
    const { fd, buffer } = bench.open(8192);
    bench.run(
      (function* () {
        const file = bench.gadget.out.open();
        yield* file.attach(fd);
        yield* file.transfer(fd, { length: 5000 });
        yield* buffer.resv.wait("read");
      })(),
    );
    const { log } = bench.system.analysis;
    expect([...log.extents(0).pairs]).toEqual([0x10_0000, 0x10_1000, 0x20_0000, 0x20_0000 + 904]);
    expect(log.operation(0).kind).toBe("write");
  });

  test("closing the descriptor with a transfer pending changes nothing: the attachment holds the buffer", () => {
    const bench = new GadgetBench();
    const { fd, exporter } = bench.open(4096);
    const release = bench.holdHost();
    bench.run(
      (function* () {
        const file = bench.gadget.in.open();
        yield* file.attach(fd);
        yield* file.transfer(fd, { length: 4096 });
        bench.system.dmaBuf.fds.close(fd);
        expect(exporter.released).toBe(0);
        release();
        yield SECOND;
        expect(bench.system.analysis.log.length, "the data were moved").toBe(1);
        yield* file.close();
        expect(exporter.released).toBe(1);
      })(),
    );
  });

  test("no cache maintenance for a transfer (FF-7)", () => {
    const bench = new GadgetBench();
    const { fd, buffer } = bench.open(4096);
    bench.run(
      (function* () {
        const file = bench.gadget.in.open();
        yield* file.attach(fd);
        yield* file.transfer(fd, { length: 4096 });
        yield* buffer.resv.wait("read");
      })(),
    );
    const { log } = bench.system.analysis;
    expect([log.length, log.operation(0).kind]).toEqual([1, "read"]);
  });
});

/** A mapping as an IOMMU makes it: what the CPU sees as two pieces is one for the device. */
class CoalescingExporter extends NotingExporter {
  override *map(...call: Parameters<NotingExporter["map"]>): Process<SgMapping> {
    const mapping = yield* super.map(...call);
    const { bytes } = mapping.extents;
    Object.assign(mapping, { dmaLengths: Float64Array.of(bytes, 0), nents: 1 });
    return mapping;
  }
}

describe("scatterlist entries of a request (FF-5)", () => {
  test.each([
    [4096, 0],
    [4097, 1],
    [8192, 1],
  ])("%i bytes of a coalesced mapping: %i warnings", (length, warnings) => {
    const bench = new GadgetBench();
    const extents = Extents.of([0x10_0000, 0x10_1000], [0x20_0000, 0x20_1000]);
    const { fd } = bench.open(8192, new CoalescingExporter(bench.system.dma, extents));
    bench.run(
      (function* () {
        const file = bench.gadget.in.open();
        yield* file.attach(fd);
        yield* file.transfer(fd, { length });
        yield SECOND;
      })(),
    );
    const found = bench.system.simulation.diagnostics.entries;
    expect(found.map(({ rule }) => rule)).toEqual(new Array(warnings).fill("FF-5"));
    if (warnings > 0) expect(found[0]?.text).toMatch(/with 2 scatterlist entries, mapped it has 1$/);
  });
});

/**
 * Runs ATTACH so that it finds the reservation locked twice: in dma_buf_attach, which always waits, and by the next one in
 * the queue, for a millisecond, when it wants to map. A signal comes while it waits there.
 */
function contendedAttach(bench: GadgetBench, buffer: DmaBuf, attach: Process): string | null {
  const { simulation } = bench.system;
  simulation.spawn("first", holdReservation(buffer, MILLISECOND));
  const task = simulation.spawn("attach", errnoOf(attach));
  simulation.spawn("second", holdReservation(buffer, MILLISECOND, 1));
  simulation.timer(() => task.interrupt()).arm(1.5 * MILLISECOND);
  simulation.run();
  return task.result;
}

/** Keeps the reservation locked for a while. */
function* holdReservation({ resv }: DmaBuf, ns: number, start = 0): Process {
  yield start;
  yield* resv.lock();
  yield ns;
  resv.unlock();
}
