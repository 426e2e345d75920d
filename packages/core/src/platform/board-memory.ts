// SPDX-License-Identifier: MIT
import type { MemoryDescription, PoolDescription, ReservedMemory } from "../memory/memory-description.ts";
import type { BoardDescription } from "./board.ts";

/** A board's memory as the allocators take it. */
export function memoryOf({ memory, pools = [] }: BoardDescription): MemoryDescription {
  const cma: PoolDescription[] = [];
  const reserved: ReservedMemory[] = [];
  pools.forEach((pool, i) => {
    if (pool.kind !== "cma") {
      reserved.push({ name: pool.name, base: pool.base, size: pool.size, kind: "no-map" });
      return;
    }
    const name = pool.name ?? (i === 0 ? "linux,cma" : `cma-${i}`);
    cma.push({ name, size: pool.size, ...(pool.base === undefined ? {} : { base: pool.base }) });
  });
  return { ram: memory, reserved, cma };
}
