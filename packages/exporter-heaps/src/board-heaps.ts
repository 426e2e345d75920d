// SPDX-License-Identifier: MIT
import type { BoardDescription, CoreServices } from "@dmabuf/core";
import { carveOutHeapAllocate } from "./carve-out-heap.ts";
import { cmaHeapAllocate } from "./cma-heap.ts";
import { deferredHeapAllocate } from "./deferred-heap.ts";
import type { HeapAllocate } from "./dma-heap.ts";
import { protectedHeapAllocate } from "./protected-heap.ts";
import { systemHeapAllocate } from "./system-heap.ts";

/** A heap's driver for one running system. */
export type HeapDriver = (services: CoreServices) => HeapAllocate;

/**
 * The heaps of a board by name: those that every machine has, and one for each carve-out and each protected pool under the
 * pool's name. A pool that a driver has to itself is none, and one cannot take the name of a heap that is there already.
 */
export function boardHeaps({ pools = [] }: BoardDescription): ReadonlyMap<string, HeapDriver> {
  const heaps = new Map<string, HeapDriver>([
    ["system", (services) => (size) => systemHeapAllocate(services, size)],
    ["cma", (services) => (size) => cmaHeapAllocate(services, size)],
    ["deferred", (services) => (size) => deferredHeapAllocate(services, size)],
  ]);
  for (const pool of pools) {
    if (pool.kind === "cma" || pool.kind === "restricted" || heaps.has(pool.name)) continue;
    if (pool.kind === "protected") {
      heaps.set(pool.name, (services) => (size) => protectedHeapAllocate(services, pool, size));
    } else if (pool.driver === undefined) {
      heaps.set(pool.name, (services) => (size) => carveOutHeapAllocate(services, pool.name, size));
    }
  }
  return heaps;
}
