// SPDX-License-Identifier: MIT
import "@dmabuf/core/vitest";
import {
  assemble,
  type BoardDescription,
  type BootOptions,
  type DmaBuf,
  Extents,
  KernelError,
  type PinChoice,
  type Pipeline,
  type Process,
  type System,
} from "@dmabuf/core";
import { DmaFence } from "@dmabuf/core/sync";
import { NotingExporter, toyArch, toyBoard } from "@dmabuf/core/testing";
import { describe, expect, test } from "vitest";
import { type DrmCard, type DrmOptions, drm } from "../src/index.ts";

const MS = 1_000_000;

const boot = (options: DrmOptions = {}, board: Partial<BoardDescription> = {}, how: BootOptions = {}) => {
  const plugins = [toyArch(), drm("display", { exporter: "dumb", ...options }), drm("direct")];
  const system = assemble({ ...toyBoard, ...board }, plugins).boot(how);
  const run = <T>(process: () => Process<T>): T => system.simulation.complete("test", process());
  return { system, card: system.importer("display") as DrmCard, run };
};

/** A foreign buffer of those ranges. */
const buffer = (system: System, ...ranges: readonly (readonly [number, number])[]): DmaBuf => {
  const extents = Extents.each(
    ranges.map(([start]) => start),
    ranges.map(([, end]) => end),
  );
  const ops = new NotingExporter(system.dma, extents);
  return system.dmaBuf.export({ exporterName: "ranges", ops, size: extents.bytes });
};

function* failure(process: Process<unknown>): Process<KernelError> {
  try {
    yield* process;
  } catch (error) {
    if (error instanceof KernelError) return error;
    throw error;
  }
  throw new TypeError("it was accepted");
}

describe("a device without a segment list (G-6)", () => {
  test.each<[string, readonly (readonly [number, number])[], number | null]>([
    ["one range", [[0x1000, 0x9000]], null],
    [
      "neighbours",
      [
        [0x1000, 0x2000],
        [0x2000, 0x9000],
      ],
      null,
    ],
    [
      "a gap",
      [
        [0x1000, 0x3000],
        [0x4000, 0x5000],
      ],
      0x2000,
    ],
    [
      "pages the other way round",
      [
        [0x2000, 0x3000],
        [0x1000, 0x2000],
      ],
      0x1000,
    ],
    [
      "a gap at the end",
      [
        [0x1000, 0x2000],
        [0x2000, 0x4000],
        [0x8000, 0x9000],
      ],
      0x3000,
    ],
  ])("%s", (_what, ranges, end) => {
    const { system, card, run } = boot({ contiguous: true });
    run(function* () {
      using scattered = buffer(system, ...ranges);
      if (end === null) yield* (yield* card.attach(scattered, "to-device")).detach();
      else {
        const { errno, message } = yield* failure(card.attach(scattered, "to-device"));
        expect(errno).toBe("EINVAL");
        expect(message).toContain(`after ${end} of ${scattered.size} bytes`);
        expect(message).toMatch(/allocate it from a CMA pool .* or put the device behind an IOMMU/);
      }
      expect([scattered.attachments.length, scattered.references, system.dma.live.size]).toEqual([0, 1, 0]);
    });
  });

  test("whoever has one takes them all", () => {
    const { system, card, run } = boot();
    run(function* () {
      using scattered = buffer(system, [0x2000, 0x3000], [0x1000, 0x2000]);
      yield* (yield* card.attach(scattered, "to-device")).detach();
    });
  });

  const pipeline: Pipeline = {
    buffers: { frames: { size: "64KiB", count: 2 } },
    stages: [
      { device: "direct", writes: "frames" },
      { device: "display", reads: "frames" },
    ],
    exporter: "dumb",
    frames: 4,
  };

  test("shows its own dumb buffers, which another device draws, on a machine whose memory is scattered", () => {
    const plugins = [toyArch(), drm("display", { contiguous: true, exporter: "dumb" }), drm("direct")];
    expect(assemble(toyBoard, plugins).run(pipeline, { scatter: { seed: 3 } })).toBeCoherent();
  });

  test("refuses pages of another device as a constraint conflict", () => {
    const plugins = [toyArch(), drm("display", { contiguous: true }), drm("direct", { exporter: "dumb" })];
    const report = assemble(toyBoard, plugins).run(pipeline, { scatter: { seed: 3 } });
    expect(report.verdict).toBe("impossible");
    expect(report.findings[0]).toMatchObject({ code: "constraint-conflict", severity: "error" });
    expect(report.findings[0]?.message).toContain("display takes contiguous memory only");
  });
});

describe("scan-out", () => {
  test("a device of class display scans out unless it is told not to, and then only reads", () => {
    const { system, card, run } = boot();
    expect(card.scansOut).toBe(true);
    expect(boot({ scansOut: false }).card.scansOut).toBe(false);
    expect(system.importer("direct").scansOut).toBe(false);
    run(function* () {
      using frame = buffer(system, [0x1000, 0x2000]);
      for (const direction of ["from-device", "bidirectional"] as const)
        expect((yield* failure(card.attach(frame, direction))).errno).toBe("EINVAL");
    });
  });

  /** When each of two frames is read, by a display that is told so while a writer takes 5 ms before each. */
  const frames = (pin: PinChoice | undefined): number[] => {
    const { system, card, run } = boot();
    const { fences } = system.dmaBuf;
    return run(function* () {
      using frame = buffer(system, [0x1000, 0x2000]);
      const front = yield* card.attach(frame, "to-device", pin === undefined ? {} : { pin });
      const waited: number[] = [];
      for (let i = 0; i < 2; i++) {
        const names = { driverName: "writer", timelineName: "ring" };
        const writer = DmaFence.init(fences, names, fences.contextAlloc(), 1);
        yield* frame.resv.lock();
        frame.resv.reserveFences(1);
        frame.resv.addFence(writer, "write");
        frame.resv.unlock();
        system.simulation.timer(() => void writer.signal()).arm(5 * MS);
        const began = system.simulation.now;
        (yield* front.transfer("read")).put();
        waited.push(Math.floor((system.simulation.now - began) / MS));
        yield* frame.resv.wait("bookkeep");
        writer.put();
      }
      yield* front.detach();
      return waited;
    });
  };

  test.each<[PinChoice | undefined, number[]]>([
    [undefined, [5, 5]],
    ["flip", [5, 5]],
    ["once", [5, 0]],
    ["never", [0, 0]],
  ])("pin %s waits for the writer %j ms before each frame", (pin, waited) => {
    expect(frames(pin)).toEqual(waited);
  });
});

describe("dumb buffers", () => {
  test("have lines of whole pitch units, and whole pages", () => {
    const { card, run } = boot({ pitchAlign: 256 });
    const { card: plain, run: runPlain } = boot();
    const sizes = run(function* () {
      const file = card.open();
      const one = yield* card.createDumb(file, { width: 64, height: 64, bpp: 32 });
      const two = yield* card.createDumb(file, { width: 65, height: 3, bpp: 32 });
      return [one, two];
    });
    expect(sizes).toEqual([
      { handle: 1, pitch: 256, size: 16384 },
      { handle: 2, pitch: 512, size: 4096 },
    ]);
    expect(runPlain(() => plain.createDumb(plain.open(), { width: 3, height: 1, bpp: 1 }))).toEqual({
      ...{ handle: 1, pitch: 1, size: 4096 },
    });
  });

  test.each([
    [{ width: 0, height: 64, bpp: 32 }],
    [{ width: 64, height: -1, bpp: 32 }],
    [{ width: 2 ** 15, height: 2 ** 15, bpp: 32 }],
  ])("%j is EINVAL", (request) => {
    const { card, run } = boot();
    expect(run(() => failure(card.createDumb(card.open(), request))).errno).toBe("EINVAL");
  });

  test("are known again by their own device, without an attachment, and drawn into by another", () => {
    const { system, card, run } = boot({ contiguous: true });
    const before = system.memory.cma.values().next().value?.freePages;
    run(function* () {
      const file = card.open();
      const { handle } = yield* card.createDumb(file, { width: 64, height: 64, bpp: 32 });
      const fd = yield* file.handleToFd(handle);
      using shared = system.dmaBuf.fds.get(fd);
      expect(shared.exporterName).toBe("display");
      const renders = yield* system.importer("direct").attach(shared, "from-device");
      const shows = yield* card.attach(shared, "to-device");
      expect(shared.attachments.map(({ device }) => device.name)).toEqual(["direct"]);
      const drawn = yield* renders.transfer("write");
      const shown = yield* shows.transfer("read");
      expect(drawn.isSignaled).toBe(true);
      drawn.put();
      yield* shown.wait();
      shown.put();
      yield* shows.detach();
      yield* renders.detach();
      yield* file.close();
      system.dmaBuf.fds.close(fd);
    });
    expect(system.hazards).toEqual([]);
    expect(system.memory.cma.values().next().value?.freePages).toBe(before);
  });

  test("of a device that cannot reach memory are refused, and keep none", () => {
    const plugins = [toyArch(), drm("far", { exporter: "dumb" })];
    const system = assemble(toyBoard, plugins).boot();
    const before = system.memory.pages.freePageCount();
    const { errno } = system.simulation.complete("test", failure(system.exporter("dumb").allocate(8192)));
    expect(errno).toBe("EIO");
    expect(system.memory.pages.freePageCount()).toBe(before);
  });

  test("of a device that sees 32 bits are not above", () => {
    const memory = [
      { base: 0, size: "1MiB" },
      { base: 2 ** 32, size: "1MiB" },
    ] as const;
    const devices = { ...toyBoard.devices, low: { class: "gpu", coherent: false, limit: 2 ** 32 } };
    const board = { ...toyBoard, memory, devices, pools: [] };
    const place = (device: string): number => {
      const system = assemble(board, [toyArch(), drm(device, { exporter: "dumb" })]).boot();
      return system.simulation.complete(
        "test",
        (function* () {
          using dumb = yield* system.exporter("dumb").allocate(4096);
          return dumb.ops.mmap?.(dumb).extents.addressAt(0) as number;
        })(),
      );
    };
    expect(place("low")).toBeLessThan(2 ** 32);
    expect(place("direct")).toBeGreaterThanOrEqual(2 ** 32);
  });

  test("in one piece without a CMA pool come from the page allocator, as large as that can", () => {
    const { card, run } = boot({ contiguous: true }, { pools: [] });
    run(function* () {
      using dumb = yield* card.allocate(12_000);
      expect(dumb.ops.mmap?.(dumb).extents.count).toBe(1);
      expect((yield* failure(card.allocate(8 << 20))).message).toContain("2048 contiguous pages");
    });
  });
});
