// SPDX-License-Identifier: MIT
import {
  type BoardDescription,
  type DmaBuf,
  getPfns,
  getScatterlist,
  KernelError,
  linux72,
  linux612,
  type PoolDescription,
  proposed,
  type System,
  UntrustedAccess,
} from "@dmabuf/core";
import { toyBoard } from "@dmabuf/core/testing";
import { describe, expect, test } from "vitest";
import { DmaHeap, HeapDirectory } from "../src/index.ts";
import { boot, maintenanceSince, run } from "./board.ts";

const MiB = 2 ** 20;
const base = 0x4000_0000;
const { direct, snooping, display, far } = toyBoard.devices;
const pools: PoolDescription[] = [
  { kind: "carve-out", name: "frames", base, size: "4MiB" },
  { kind: "carve-out", name: "stolen", base: base + 8 * MiB, size: "1MiB", driver: "gpu" },
  { kind: "protected", name: "video", base: base + 16 * MiB, size: "4MiB", trustId: "tee" },
];
const machine = {
  pools,
  devices: {
    ...(direct && { direct, pages: { ...direct, needsPages: true } }),
    ...(snooping && { snooping: { ...snooping, trustId: "tee" } }),
    ...(display && { display: { ...display, trustId: "another" } }),
    ...(far && { far }),
  },
} satisfies Partial<BoardDescription>;

const start = (kernel = linux612): System => boot({ kernel }, machine);
const allocate = (system: System, heap: string, size: number): DmaBuf =>
  run(system, () => system.exporter(heap).allocate(size));

/** `operation: -errno: reason` of what is refused. */
function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof KernelError) return `${error.operation}: -${error.errno}: ${error.reason}`;
    throw error;
  }
  return "accepted";
}

describe("the heaps of a board", () => {
  test("are those of every machine, and one for each pool that nobody has to himself", () => {
    const system = start();
    for (const name of ["system", "cma", "deferred", "frames", "video"]) {
      expect(system.exporter(name)).toBeInstanceOf(DmaHeap);
      expect(HeapDirectory.of(system).open(name)).toBe(system.exporter(name));
    }
    expect(() => system.exporter("stolen")).toThrow("no exporter");
    expect(() => HeapDirectory.of(system).open("stolen")).toThrow(KernelError);
  });

  test("a pool cannot take the name of another heap", () => {
    const named = [{ kind: "carve-out", name: "system", base, size: "4MiB" }] as const;
    const buffer = allocate(boot({}, { ...machine, pools: named }), "system", 4096);
    expect(buffer.ops.memory?.(buffer)?.structPages).toBeUndefined();
  });
});

describe("the heap of a carve-out", () => {
  test("rounds up to pages, contiguous, in the pool, and takes them back", () => {
    const system = start();
    const buffers = [allocate(system, "frames", 5000), allocate(system, "frames", 1)];
    const places = buffers.map((buffer) => [...(buffer.ops.memory?.(buffer)?.extents.pairs ?? [])]);
    expect(places).toEqual([
      [base, base + 8192],
      [base + 8192, base + 12288],
    ]);
    expect(buffers[0]?.exporterName).toBe("frames");
    for (const buffer of buffers) buffer.put();
    expect(system.memory.carveOuts.get("frames")?.freePages).toBe(1024);
  });

  test("says what is free when no run is long enough", () => {
    const system = start();
    const held = allocate(system, "frames", MiB);
    allocate(system, "frames", MiB);
    held.put();
    expect(refusal(() => allocate(system, "frames", 3 * MiB))).toBe(
      "carveout_heap_allocate: -ENOMEM: frames has no 768 contiguous pages: 768 of 1024 are free, 512 in one piece",
    );
  });

  test("has no struct pages, but frame numbers (D19)", () => {
    const system = start();
    const buffer = allocate(system, "frames", 8192);
    run(system, function* () {
      yield* buffer.resv.lock();
      expect(refusal(() => getScatterlist(buffer))).toBe(
        "dma_buf_get_scatterlist: -EINVAL: the memory of frames has no struct pages",
      );
      expect([...getPfns(buffer)]).toEqual([base / 4096, base / 4096 + 1]);
      buffer.resv.unlock();
    });
  });

  test("is refused to a driver that needs struct pages, where the kernel looks", () => {
    for (const [kernel, answer] of [
      [linux72, "accepted"],
      [
        proposed,
        "dma_buf_attach: -EINVAL: pages cannot use the memory that frames has allocated: the memory has no struct pages",
      ],
    ] as const) {
      const system = start(kernel);
      const buffer = allocate(system, "frames", 8192);
      expect(refusal(() => run(system, () => buffer.attach(system.device("pages"))))).toBe(answer);
    }
  });

  test("needs no maintenance: nothing of it is in a cache of the kernel's", () => {
    const system = start();
    const buffer = allocate(system, "frames", MiB);
    maintenanceSince(system);
    run(system, function* () {
      const attachment = yield* buffer.attach(system.device("direct"));
      const mapping = yield* attachment.mapUnlocked("bidirectional");
      expect([mapping.nents, mapping.dmaAddresses[0]]).toEqual([1, base]);
      yield* buffer.beginCpuAccess("bidirectional");
      yield* buffer.endCpuAccess("bidirectional");
      yield* attachment.unmapUnlocked(mapping);
      yield* attachment.detach();
    });
    expect(maintenanceSince(system)).toEqual({ ops: 0, bytes: 0 });
    expect(system.simulation.diagnostics.entries).toEqual([]);
  });

  test("is mapped past the cache by user space and by the kernel", () => {
    const system = start();
    const buffer = allocate(system, "frames", MiB);
    using user = buffer.mmap();
    expect(user.memoryType).toBe("write-combining");
    run(system, function* () {
      const kernel = yield* buffer.vmapUnlocked();
      expect(kernel.memoryType).toBe("write-combining");
      yield* buffer.vunmapUnlocked(kernel);
    });
  });
});

describe("the heap of protected memory (H-9, D20)", () => {
  test.each([linux612, linux72, proposed])("refuses who is not trusted, whatever the kernel", (kernel) => {
    const system = start(kernel);
    const buffer = allocate(system, "video", MiB);
    const attach = (name: string) => run(system, () => buffer.attach(system.device(name)));
    for (const name of ["direct", "display"]) {
      expect(refusal(() => attach(name))).toBe(
        `dma_buf_attach: -EPERM: ${name} is not trusted with "tee", to which the memory is private`,
      );
      expect(() => attach(name)).toThrow(UntrustedAccess);
    }
    expect(buffer.attachments).toEqual([]);
    const attachment = attach("snooping");
    const mapping = run(system, () => attachment.mapUnlocked("from-device"));
    expect(mapping.dmaAddresses[0]).toBe(base + 16 * MiB);
    run(system, () => attachment.unmapUnlocked(mapping));
    run(system, () => attachment.detach());
    buffer.put();
    expect(system.memory.carveOuts.get("video")?.freePages).toBe(1024);
  });

  test("refuses the CPU", () => {
    const system = start();
    const buffer = allocate(system, "video", MiB);
    const denied = (operation: string) =>
      `${operation}: -EPERM: the CPU is not trusted with "tee", to which the memory is private`;
    expect(refusal(() => buffer.mmap())).toBe(denied("dma_buf_mmap"));
    expect(refusal(() => run(system, () => buffer.vmapUnlocked()))).toBe(denied("dma_buf_vmap"));
    expect(refusal(() => run(system, () => buffer.beginCpuAccess("from-device")))).toBe(
      denied("dma_buf_begin_cpu_access"),
    );
    expect(refusal(() => run(system, () => buffer.endCpuAccess("to-device")))).toBe(
      denied("dma_buf_end_cpu_access"),
    );
    expect(buffer.references).toBe(1);
  });

  test("gives nobody the memory itself", () => {
    const system = start();
    const buffer = allocate(system, "video", MiB);
    run(system, function* () {
      yield* buffer.resv.lock();
      for (const read of [getScatterlist, getPfns]) {
        expect(refusal(() => read(buffer))).toContain("-EINVAL: the memory is private to tee");
      }
      buffer.resv.unlock();
    });
  });
});
