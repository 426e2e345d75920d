// SPDX-License-Identifier: MIT
import { KernelError, type Process } from "@dmabuf/core";
import type { I915Object } from "./i915-object.ts";
import { shrink } from "./i915-trace.ts";
import { ShmemBacking } from "./shmem-backing.ts";

/**
 * Takes the pages of an object that nobody uses, as the shrinker does when memory is short: it leaves every address space,
 * and its content goes to swap, from which the next use brings it back to other pages. Throws `KernelError` EINVAL for memory
 * that is not the system's, EBUSY for an object that is pinned or has work under way. @see i915_gem_shrink
 */
export function* swapOut(object: I915Object): Process {
  const { backing, driver, resv, pages, bindings } = object;
  const { simulation, cpu } = driver.services;
  const refuse = (errno: "EINVAL" | "EBUSY", reason: string): never => {
    throw new KernelError(errno, "i915_gem_shrink", `object ${object.id}: ${reason}`);
  };
  if (!(backing instanceof ShmemBacking))
    return refuse("EINVAL", `${backing.region} memory is never swapped`);
  if (!resv.trylock()) refuse("EBUSY", `${resv.describe()} is taken`);
  try {
    simulation.trace.emit(shrink, 0, object.size, 0);
    if (object.active > 0 || !resv.testSignaled("bookkeep")) refuse("EBUSY", "work is under way");
    // Each address space that has it pins it once; who pins it beyond that relies on where it is.
    const kept = pages.pins > bindings.size || [...bindings].some(({ pins }) => pins > 0);
    if (kept) refuse("EBUSY", "it is pinned");
    for (const binding of bindings) binding.space.unbind(binding);
    pages.put();
    backing.swapOut();
    yield* cpu.settle();
  } finally {
    resv.unlock();
  }
}
