// SPDX-License-Identifier: MIT
import { type DmaBuf, type DmaDevice, KernelError, PAGE_SIZE, type Process } from "@dmabuf/core";
import type { I915Driver } from "./i915-driver.ts";
import { I915Object } from "./i915-object.ts";
import { ImportedBacking } from "./imported-backing.ts";

/** The most pages that the driver's tables count (`INT_MAX`). */
const MOST_PAGES = 2 ** 31 - 1;

/** Throws `KernelError` E2BIG for a buffer of more pages than 31 bits count (N-13). @see GEM_CHECK_SIZE_OVERFLOW */
export function demandCountablePages({ size, ino }: DmaBuf): void {
  if (size / PAGE_SIZE <= MOST_PAGES) return;
  throw new KernelError("E2BIG", "i915_gem_prime_import", `buffer ${ino} has ${size} bytes, too many pages to count`);
}

/**
 * Makes an object of somebody else's buffer: a static attachment, and the buffer's reservation for its own (N-13). It is
 * under the level `none`, and nothing is known about the CPU's caches. Its pages come with the first use.
 */
export function* importForeign(driver: I915Driver, id: number, buffer: DmaBuf, device: DmaDevice): Process<I915Object> {
  buffer.get();
  try {
    const attachment = yield* buffer.attach(device);
    const backing = new ImportedBacking(attachment);
    return new I915Object(driver, id, { size: buffer.size, backing, level: "none", resv: buffer.resv });
  } catch (error) {
    buffer.put();
    throw error;
  }
}
