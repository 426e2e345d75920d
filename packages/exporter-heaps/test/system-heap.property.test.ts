// SPDX-License-Identifier: MIT
import { PAGE_SIZE, PhysicalMemory, type System } from "@dmabuf/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { boot, heapOf, run } from "./board.ts";

/** Chunks by the kernel's loop: for each one all orders from the top, skipping those above the last that succeeded. */
function reference(memory: PhysicalMemory, size: number): [address: number, order: number][] | "ENOMEM" {
  const chunks: [number, number][] = [];
  let largest = 8;
  for (let remaining = size; remaining > 0; ) {
    let found: [number, number] | null = null;
    for (const order of [8, 4, 0]) {
      if (remaining < PAGE_SIZE * 2 ** order || order > largest) continue;
      const address = memory.pages.allocatePages(order);
      if (address === null) continue;
      found = [address, order];
      break;
    }
    if (found === null) return "ENOMEM";
    chunks.push(found);
    largest = found[1];
    remaining -= PAGE_SIZE * 2 ** found[1];
  }
  return chunks;
}

/** Leaves the same holes in both: blocks are taken, and some of them given back. */
function fragment(
  memory: Pick<PhysicalMemory, "pages">,
  blocks: readonly (readonly [number, boolean])[],
): void {
  const taken = blocks.map(([order, keep]) => [memory.pages.allocatePages(order), order, keep] as const);
  for (const [address, order, keep] of taken) {
    if (address !== null && !keep) memory.pages.freePages(address, order);
  }
}

const board = { memory: [{ base: 0, size: "8MiB" }], pools: [] };

test("the system heap takes the chunks that the kernel's loop takes, whatever is left of memory", () => {
  const blocks = fc.array(fc.tuple(fc.nat(8), fc.boolean()), { maxLength: 60 });
  fc.assert(
    fc.property(blocks, fc.integer({ min: 1, max: 2100 }), (holes, pages) => {
      const system: System = boot({}, board);
      const memory = new PhysicalMemory({ ram: board.memory });
      fragment(system.memory, holes);
      fragment(memory, holes);
      const free = system.memory.pages.freePageCount();
      const expected = reference(memory, pages * PAGE_SIZE);
      let chunks: [number, number][] | "ENOMEM";
      try {
        const buffer = run(system, () => heapOf(system, "system").allocate(pages * PAGE_SIZE));
        const extents = buffer.ops.mmap?.(buffer).extents;
        chunks = [...(extents?.starts ?? [])].map((start, i) => [
          start,
          Math.log2(((extents?.ends[i] as number) - start) / PAGE_SIZE),
        ]);
        buffer.put();
      } catch {
        chunks = "ENOMEM";
      }
      expect(chunks).toEqual(expected);
      expect(system.memory.pages.freePageCount()).toBe(free);
    }),
    { seed: 20261120, numRuns: 150 },
  );
});
