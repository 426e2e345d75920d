// SPDX-License-Identifier: MIT
import { type DmaBuf, type Extents, KernelError, PAGE_SIZE, type System } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { boot, heapOf, run } from "./board.ts";

const MiB = 2 ** 20;
const KiB = 2 ** 10;

const allocate = (system: System, size: number): DmaBuf =>
  run(system, () => heapOf(system, "system").allocate(size));

/** Sizes of a buffer's chunks: the entries of its scatterlist. */
const chunks = (buffer: DmaBuf): number[] => {
  const extents = buffer.ops.mmap?.(buffer).extents as Extents;
  return [...extents.ends].map((end, i) => end - (extents.starts[i] as number));
};

/** Takes pages away until no free block has this order. */
function exhaust(system: System, order: number): void {
  while (system.memory.pages.allocatePages(order) !== null);
}

describe("chunks (H-3)", () => {
  test("are of 1 MiB, 64 KiB and one page, largest first", () => {
    const buffer = allocate(boot(), 2 * MiB + 3 * 64 * KiB + 5 * PAGE_SIZE);
    expect(chunks(buffer)).toEqual([
      ...Array<number>(2).fill(MiB),
      ...Array<number>(3).fill(64 * KiB),
      ...Array<number>(5).fill(PAGE_SIZE),
    ]);
  });

  test("are never merged, even where they touch", () => {
    const buffer = allocate(boot(), 8 * PAGE_SIZE);
    expect(chunks(buffer)).toHaveLength(8);
  });

  test("are smaller where memory is fragmented", () => {
    const system = boot();
    const { pages } = system.memory;
    const block = pages.allocatePages(8);
    if (block === null) throw new TypeError("the board is too small");
    exhaust(system, 8);
    // What is left: one block of 1 MiB, given back except for every 33rd page.
    pages.freePages(block, 8);
    const kept: number[] = [];
    for (let page = pages.allocatePages(0); page !== null; page = pages.allocatePages(0)) kept.push(page);
    for (const page of kept) if ((page / PAGE_SIZE) % 33 !== 0) pages.freePages(page as never, 0);
    const sizes = chunks(allocate(system, 20 * PAGE_SIZE));
    expect(sizes).toEqual([64 * KiB, ...Array<number>(4).fill(PAGE_SIZE)]);
  });

  test("are cleared by the CPU, which takes its time", () => {
    const system = boot({}, { cpuBandwidth: "1GiB" });
    allocate(system, MiB);
    expect(system.simulation.now).toBe(Math.round((MiB / 2 ** 30) * 1e9));
    expect(system.analysis.log.length).toBe(1);
    expect(system.analysis.log.operation(0).kind).toBe("write");
    expect(system.analysis.log.extents(0).bytes).toBe(MiB);
  });
});

describe("running out (H-3)", () => {
  test.each([60 * MiB, 3 * 2 ** 30, 2 ** 60])(
    "%d bytes answer ENOMEM, and every page is free again",
    (size) => {
      const system = boot();
      const free = system.memory.pages.freePageCount();
      expect(() => allocate(system, size)).toThrow(KernelError);
      expect(() => allocate(system, size)).toThrow(
        `system_heap_allocate: -ENOMEM: no free page is left, ${size - free * PAGE_SIZE} of ${size} bytes`,
      );
      expect(system.memory.pages.freePageCount()).toBe(free);
      expect(system.dmaBuf.buffers).toEqual([]);
    },
  );

  test("everything that is free can be had", () => {
    const system = boot();
    const buffer = allocate(system, system.memory.pages.freePageCount() * PAGE_SIZE);
    expect(system.memory.pages.freePageCount()).toBe(0);
    buffer.put();
    expect(system.memory.pages.freePageCount()).toBe(system.memory.pages.pageCount());
  });
});

test("what user space maps is cached (H-7)", () => {
  const buffer = allocate(boot(), MiB);
  expect(buffer.ops.mmap?.(buffer).memoryType).toBe("write-back");
  expect(buffer.ops.cacheSgtMapping).toBeUndefined();
  expect(buffer.exporterName).toBe("system");
});

test("many small buffers need no more than their pages", () => {
  const system = boot({}, { memory: [{ base: 0, size: "128MiB" }], pools: [] });
  const free = system.memory.pages.freePageCount();
  run(system, function* () {
    const heap = heapOf(system, "system");
    const buffers: DmaBuf[] = [];
    for (let i = 0; i < 20_000; i++) buffers.push(yield* heap.allocate(PAGE_SIZE));
    expect(system.memory.pages.freePageCount()).toBe(free - 20_000);
    for (const buffer of buffers) buffer.put();
  });
  expect(system.memory.pages.freePageCount()).toBe(free);
});
