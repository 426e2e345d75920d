// SPDX-License-Identifier: MIT
import { type DmaBuf, KernelError, PAGE_SIZE, type PoolDescription, type System } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { boot, heapOf, run } from "./board.ts";

const allocate = (system: System, pages: number): DmaBuf =>
  run(system, () => heapOf(system, "cma").allocate(pages * PAGE_SIZE));
const startOf = (buffer: DmaBuf): number => buffer.ops.mmap?.(buffer).extents.starts[0] as number;

describe("the CMA heap (H-8)", () => {
  test("hands out one contiguous run of the pool", () => {
    const system = boot();
    const buffer = allocate(system, 777);
    const extents = buffer.ops.mmap?.(buffer).extents;
    expect(extents?.count).toBe(1);
    expect(extents?.bytes).toBe(777 * PAGE_SIZE);
    expect(system.memory.regionAt(startOf(buffer))?.name).toBe("linux,cma");
    expect(buffer.exporterName).toBe("cma");
  });

  test.each([
    [1, 1],
    [2, 2],
    [3, 4],
    [16, 16],
    [17, 32],
    [256, 256],
    [257, 256],
    [600, 256],
  ])("aligns %d pages to %d", (pages, alignment) => {
    const system = boot();
    allocate(system, 1);
    expect(startOf(allocate(system, pages)) % (alignment * PAGE_SIZE)).toBe(0);
  });

  test("clears what it hands out", () => {
    const system = boot();
    allocate(system, 4);
    expect(system.analysis.log.operation(0).kind).toBe("write");
    expect(system.analysis.log.extents(0).bytes).toBe(4 * PAGE_SIZE);
    expect(system.simulation.now).toBeGreaterThan(0);
  });

  test("says what is free when no run is long enough, and takes nothing", () => {
    const system = boot();
    const pool = system.memory.cma.get("linux,cma");
    const held = [allocate(system, 1024), allocate(system, 1024)];
    held[0]?.put();
    expect(() => allocate(system, 2500)).toThrow(KernelError);
    expect(() => allocate(system, 2500)).toThrow(
      "cma_heap_allocate: -ENOMEM: linux,cma has no 2500 contiguous aligned pages: 3072 of 4096 are free, 2048 in one piece",
    );
    expect(pool?.freePages).toBe(3072);
    held[1]?.put();
    allocate(system, 2500).put();
    expect(pool?.freePages).toBe(4096);
  });

  test("uses the first pool of the board", () => {
    const pools: PoolDescription[] = [
      { kind: "cma", size: "4MiB", name: "first" },
      { kind: "cma", size: "8MiB", name: "second" },
    ];
    const system = boot({}, { pools });
    allocate(system, 512);
    expect(system.memory.cma.get("first")?.freePages).toBe(512);
    expect(() => allocate(system, 1025)).toThrow("first has no 1025");
  });

  test("answers in one line on a board without a pool, when it is used", () => {
    const system = boot({}, { pools: [] });
    heapOf(system, "cma");
    expect(() => allocate(system, 1)).toThrow(
      "cma_heap_allocate: -ENODEV: the board has no CMA pool; give it one, as in pools:",
    );
    expect(() => allocate(system, 1)).toThrow(KernelError);
  });
});
