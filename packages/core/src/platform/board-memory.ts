// SPDX-License-Identifier: MIT
import type { MemoryDescription, PoolDescription, ReservedMemory } from "../memory/memory-description.ts";
import type { BoardDescription } from "./board.ts";
import { swiotlbMemoryOf } from "./bounce-plan.ts";

/** A board's memory as the allocators take it. */
export function memoryOf(board: BoardDescription): MemoryDescription {
  const { memory, pools = [] } = board;
  const cma: PoolDescription[] = [];
  const reserved: ReservedMemory[] = [];
  pools.forEach((pool, i) => {
    if (pool.kind !== "cma") {
      const kind = pool.kind === "restricted" ? "ram" : "no-map";
      reserved.push({ name: pool.name, base: pool.base, size: pool.size, kind });
      return;
    }
    const name = pool.name ?? (i === 0 ? "linux,cma" : `cma-${i}`);
    cma.push({ name, size: pool.size, ...(pool.base === undefined ? {} : { base: pool.base }) });
  });
  const swiotlb = swiotlbMemoryOf(board);
  return { ram: memory, reserved, cma, ...(swiotlb === null ? {} : { swiotlb }) };
}
