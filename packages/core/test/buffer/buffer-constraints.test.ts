// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import {
  type Attachment,
  assemble,
  type BoardDescription,
  type BufferMemory,
  board,
  bufinfo,
  type DmaBuf,
  type DmaBufOps,
  type DmaConstraints,
  type DmaDirection,
  Extents,
  getPfns,
  getScatterlist,
  KernelError,
  type KernelProfile,
  linux72,
  linux612,
  type Process,
  proposed,
  type SgMapping,
  type System,
  unconstrained,
} from "../../src/index.ts";
import { toyArch } from "../../src/testing.ts";

const SIZE = 0x1_0000;

const strictBoard: BoardDescription = board({
  model: "strict",
  memory: [{ base: 0, size: "64MiB" }],
  devices: {
    lax: { class: "dma", coherent: true },
    short: { class: "dma", coherent: true, maxSegmentSize: "4KiB" },
    few: { class: "dma", coherent: true, maxSegmentCount: 8 },
    narrow: { class: "dma", coherent: true, maxSegmentCount: 2, maxSegmentSize: "1GiB" },
    whole: { class: "display", coherent: true, contiguous: true },
    pages: { class: "gpu", coherent: true, needsPages: true },
    shifted: {
      class: "dma",
      coherent: true,
      maxSegmentCount: 1,
      segmentBoundaryMask: 0xffff,
      offset: 0x8000,
    },
  },
});

/** Allocates scattered pages, or one range for devices that need it, when the first device maps (D13). */
class DeferringExporter implements DmaBufOps {
  readonly asked: DmaConstraints[] = [];
  readonly calls: string[] = [];
  readonly migrates: boolean;
  memoryNow: BufferMemory | null = null;
  readonly #system: System;

  constructor(system: System, migrates = false) {
    this.#system = system;
    this.migrates = migrates;
  }

  memory(): BufferMemory | null {
    return this.memoryNow;
  }

  *allocate(_buffer: DmaBuf, constraints: DmaConstraints): Process {
    yield 0;
    this.asked.push(constraints);
    this.#take(constraints.contiguous);
  }

  detach(_buffer: DmaBuf, { device }: Attachment): void {
    this.calls.push(`detach ${device.name}`);
  }

  *map({ device }: Attachment, direction: DmaDirection): Process<SgMapping> {
    yield 0;
    if (this.memoryNow === null) this.#take(false);
    return this.#system.dma.mapSgtable(device, (this.memoryNow as BufferMemory).extents, direction);
  }

  *unmap(_attachment: Attachment, mapping: SgMapping): Process {
    yield 0;
    this.#system.dma.unmapSgtable(mapping);
  }

  release(): void {}

  #take(contiguous: boolean): void {
    const pieces = Array.from(
      { length: 16 },
      (_, i) => [0x10_0000 + i * 0x2000, 0x10_1000 + i * 0x2000] as const,
    );
    this.memoryNow = {
      extents: contiguous ? Extents.of([0x40_0000, 0x40_0000 + SIZE]) : Extents.of(...pieces),
    };
  }
}

/** The same without saying where its memory is, and without being asked for any. */
class SilentExporter implements DmaBufOps {
  readonly #inner: DeferringExporter;

  constructor(system: System) {
    this.#inner = new DeferringExporter(system);
  }

  map(attachment: Attachment, direction: DmaDirection): Process<SgMapping> {
    return this.#inner.map(attachment, direction);
  }

  unmap(attachment: Attachment, mapping: SgMapping): Process {
    return this.#inner.unmap(attachment, mapping);
  }

  release(): void {}
}

class Bench {
  readonly system: System;
  readonly exporter: DeferringExporter;
  readonly buffer: DmaBuf;

  constructor(kernel: KernelProfile = proposed, { migrates = false, size = SIZE } = {}) {
    this.system = assemble(strictBoard, [toyArch()]).boot({ kernel });
    this.exporter = new DeferringExporter(this.system, migrates);
    this.buffer = this.export(this.exporter, size);
  }

  export(ops: DmaBufOps, size = SIZE): DmaBuf {
    return this.system.dmaBuf.export({ exporterName: "late", ops, size });
  }

  run<T>(process: Process<T>): T {
    return this.system.simulation.complete("test", process);
  }

  attach(name: string, buffer = this.buffer): Attachment {
    return this.run(buffer.attach(this.system.device(name)));
  }

  /** The one line that attaching or mapping is refused with. */
  refusal(act: () => unknown): string {
    try {
      act();
    } catch (error) {
      if (error instanceof KernelError) return `${error.operation}: -${error.errno}: ${error.reason}`;
      throw error;
    }
    return "accepted";
  }

  map(attachment: Attachment): SgMapping {
    return this.run(attachment.mapUnlocked("to-device"));
  }
}

describe("attach", () => {
  test("kernels do not look at constraints", () => {
    for (const kernel of [linux612, linux72]) {
      const bench = new Bench(kernel);
      bench.map(bench.attach("short"));
      bench.map(bench.attach("few"));
      expect(bench.buffer.constraints).toBeNull();
      expect(bench.buffer.recalculateConstraints()).toBeNull();
      expect(bench.exporter.asked).toEqual([]);
    }
  });

  test("what all can take is the intersection, computed again at detach (PR-10, PR-11)", () => {
    const bench = new Bench();
    expect(bench.buffer.constraints).toEqual(unconstrained);
    const short = bench.attach("short");
    bench.attach("lax");
    expect(bench.buffer.constraints).toMatchObject({ maxSegmentSize: 4096, contiguous: false });
    bench.run(short.detach());
    expect(bench.buffer.constraints).toMatchObject({ maxSegmentSize: Number.POSITIVE_INFINITY });
    expect(bench.buffer.recalculateConstraints()).toEqual(bench.buffer.constraints);
  });

  test("two that no memory suits are both named, and the exporter hears of the refusal (D12)", () => {
    const bench = new Bench();
    bench.attach("lax");
    bench.attach("short");
    expect(bench.refusal(() => bench.attach("few"))).toBe(
      "dma_buf_attach: -EINVAL: few takes 8 segments, short at most 4096 bytes in each: " +
        "together 32768 bytes, and the buffer has 65536",
    );
    expect(bench.exporter.calls).toEqual(["detach few"]);
    expect(bench.buffer.attachments.length).toBe(2);
    expect(bench.buffer.resv.isHeld).toBe(false);
    expect(bench.buffer.constraints).toMatchObject({ maxSegmentCount: Number.POSITIVE_INFINITY });
  });

  test("a picture may be in more segments than a device takes (D17)", () => {
    const lines = { height: 32, bytesPerLine: 2048 };
    const attached = (picture: { padded: boolean }, name: string, silent: boolean): string => {
      const bench = new Bench();
      const buffer = silent ? bench.export(new SilentExporter(bench.system)) : bench.buffer;
      buffer.describePicture({ ...lines, ...picture });
      return bench.refusal(() => bench.attach(name, buffer));
    };
    const refused = (what: string) =>
      `dma_buf_attach: -EINVAL: few takes 8 segments, and a picture of 32 ${what}lines of 2048 bytes can be in 32`;
    expect(attached({ padded: true }, "few", false), "whatever the memory").toBe(refused("padded "));
    expect(attached({ padded: false }, "few", true), "nobody knows how it lies").toBe(refused(""));
    expect(attached({ padded: false }, "few", false), "it will be made to suit").toBe("accepted");
    for (const name of ["lax", "whole"]) expect(attached({ padded: true }, name, true)).toBe("accepted");
    const { buffer } = new Bench();
    expect(buffer.picture).toBeNull();
    expect(() => buffer.describePicture({ height: 0, bytesPerLine: 1, padded: false })).toThrow(TypeError);
  });

  test("memory is chosen at the first map, so the order of attaching does not matter (D13)", () => {
    for (const order of [
      ["lax", "whole"],
      ["whole", "lax"],
    ]) {
      const bench = new Bench();
      const attachments = order.map((name) => bench.attach(name));
      expect(bench.exporter.memoryNow).toBeNull();
      const mappings = attachments.map((attachment) => bench.map(attachment));
      expect(bench.exporter.asked.map(({ contiguous }) => contiguous)).toEqual([true]);
      expect(mappings.map(({ nents }) => nents)).toEqual([1, 1]);
    }
  });

  test("a stricter device is refused with EBUSY while somebody has it mapped (D11)", () => {
    const bench = new Bench();
    const lax = bench.attach("lax");
    const mapping = bench.map(lax);
    expect(bench.refusal(() => bench.attach("whole"))).toBe(
      "dma_buf_attach: -EBUSY: whole needs contiguous memory, and lax has the buffer mapped",
    );
    bench.run(lax.unmapUnlocked(mapping));
    expect(
      bench.refusal(() => bench.attach("whole")),
      "and stays refused where memory does not move",
    ).toBe(
      "dma_buf_attach: -EINVAL: whole cannot use the memory that late has allocated: " +
        "the memory is 16 ranges, more than 1 segment of at most 4294963200 bytes",
    );
  });

  test("an exporter that can move a buffer does so before the next map (PR-12)", () => {
    const bench = new Bench(proposed, { migrates: true });
    const lax = bench.attach("lax");
    bench.run(lax.unmapUnlocked(bench.map(lax)));
    const whole = bench.attach("whole");
    expect(bench.map(whole).nents).toBe(1);
    expect(bench.exporter.asked.map(({ contiguous }) => contiguous)).toEqual([false, true]);
  });

  test("laxer devices fit, and stricter ones that the memory happens to suit (D13)", () => {
    const bench = new Bench();
    bench.map(bench.attach("whole"));
    bench.attach("lax");
    bench.attach("few");
    bench.attach("pages");
    expect(bench.exporter.asked.length).toBe(1);
    expect(bench.buffer.attachments.length).toBe(4);
  });

  test("of an exporter with a list for each importer the limits of one are nothing to the others (D14)", () => {
    const bench = new Bench();
    const buffer = bench.export(
      Object.assign(new DeferringExporter(bench.system), { listPerImporter: true }),
    );
    bench.attach("short", buffer);
    bench.attach("few", buffer);
    const large = bench.export(
      Object.assign(new DeferringExporter(bench.system), { listPerImporter: true }),
      9 * 2 ** 30,
    );
    expect(bench.refusal(() => bench.attach("narrow", large))).toContain("narrow takes at most 2 segments");
  });

  test("memory without pages, for a driver that needs them (D19)", () => {
    const bench = new Bench();
    bench.exporter.memoryNow = { extents: Extents.of([0, SIZE]), structPages: false };
    expect(bench.refusal(() => bench.attach("pages"))).toContain("the memory has no struct pages");
  });

  test("of an exporter that says nothing a mapped buffer is taken for unfit (D11)", () => {
    const bench = new Bench();
    const buffer = bench.export(new SilentExporter(bench.system));
    bench.attach("whole", buffer);
    const quiet = bench.export(new SilentExporter(bench.system));
    bench.map(bench.attach("lax", quiet));
    bench.attach("lax", quiet);
    expect(bench.refusal(() => bench.attach("short", quiet))).toContain(
      "-EBUSY: short needs segments of at most 4096 bytes,",
    );
  });
});

describe("map", () => {
  test("what no list makes fit is refused and given back", () => {
    const bench = new Bench();
    const buffer = bench.export(new SilentExporter(bench.system));
    const whole = bench.attach("whole", buffer);
    expect(bench.refusal(() => bench.map(whole))).toBe(
      "dma_buf_map_attachment: -EINVAL: whole cannot use the mapping: " +
        "the memory is 16 ranges, more than 1 segment of at most 4294963200 bytes",
    );
    expect([whole.mappings, bench.system.dma.live.size, buffer.resv.isHeld]).toEqual([0, 0, false]);
  });

  test("boundaries are those of bus addresses", () => {
    const bench = new Bench();
    const shifted = bench.attach("shifted");
    bench.exporter.memoryNow = { extents: Extents.of([0x40_8000, 0x41_8000]) };
    bench.exporter.allocate = function* () {
      yield 0;
    };
    expect(bench.map(shifted).nents).toBe(1);
  });

  test("the exporter is asked again when it could not allocate", () => {
    const bench = new Bench();
    const lax = bench.attach("lax");
    const { allocate } = bench.exporter;
    bench.exporter.allocate = function* () {
      yield 0;
      throw new KernelError("ENOMEM", "allocate", "not now");
    };
    expect(bench.refusal(() => bench.map(lax))).toBe("allocate: -ENOMEM: not now");
    bench.exporter.allocate = allocate;
    expect(bench.map(lax).nents).toBe(16);
    expect(bench.exporter.asked.length).toBe(1);
  });
});

test("the listing shows constraints, where the kernel has them (D10)", () => {
  const bench = new Bench();
  bench.attach("short");
  const text = bench.run(bufinfo(bench.system.dmaBuf));
  expect(text).toContain(
    "\tAttached Devices:\n\tshort\n" +
      "\tConstraints: segments of at most 4096 bytes, no private memory\n" +
      "Total 1 devices attached\n",
  );
  const kernel = new Bench(linux72);
  kernel.attach("short");
  expect(kernel.run(bufinfo(kernel.system.dmaBuf))).not.toContain("Constraints");
});

describe("the memory itself (PR-20)", () => {
  const locked = <T>(bench: Bench, read: () => T): T =>
    bench.run(
      (function* (): Process<T> {
        yield* bench.buffer.resv.lock();
        try {
          return read();
        } finally {
          bench.buffer.resv.unlock();
        }
      })(),
    );

  test("as a scatterlist that is mapped for nobody, and as page frame numbers", () => {
    const bench = new Bench();
    bench.map(bench.attach("lax"));
    const sg = locked(bench, () => getScatterlist(bench.buffer));
    expect([sg.origNents, sg.nents, sg.bytes]).toEqual([16, 0, SIZE]);
    const frames = locked(bench, () => getPfns(bench.buffer));
    expect([...frames]).toEqual(Array.from({ length: 16 }, (_, i) => 0x100 + i * 2));
    expect(bench.system.simulation.diagnostics.entries).toEqual([]);
  });

  test("EINVAL where there is none", () => {
    const bench = new Bench();
    const errors = (read: (buffer: DmaBuf) => unknown): string =>
      locked(bench, () => bench.refusal(() => read(bench.buffer)));
    expect(errors(getPfns)).toBe("dma_buf_get_pfns: -EINVAL: late has allocated no memory yet");
    bench.exporter.memoryNow = { extents: Extents.of([0x1000, 0x3000]), structPages: false };
    expect(errors(getScatterlist)).toBe(
      "dma_buf_get_scatterlist: -EINVAL: the memory of late has no struct pages",
    );
    expect([...locked(bench, () => getPfns(bench.buffer))], "numbers there are").toEqual([1, 2]);
    bench.exporter.memoryNow = { extents: Extents.of([0x1000, 0x2800]) };
    expect(errors(getPfns)).toBe("dma_buf_get_pfns: -EINVAL: the memory is not whole pages");
    bench.exporter.memoryNow = { extents: Extents.of([0x1000, 0x2000]), trustId: "tee" };
    expect(errors(getScatterlist)).toBe("dma_buf_get_scatterlist: -EINVAL: the memory is private to tee");
    const silent = bench.export(new SilentExporter(bench.system));
    expect(bench.refusal(() => getPfns(silent))).toBe(
      "dma_buf_get_pfns: -EINVAL: late does not say where its memory is",
    );
  });

  test("with the reservation only", () => {
    const bench = new Bench();
    bench.exporter.memoryNow = { extents: Extents.of([0x1000, 0x2000]) };
    getScatterlist(bench.buffer);
    expect(bench.system.simulation.diagnostics.entries.map(({ rule }) => rule)).toEqual(["PR-20"]);
  });
});
