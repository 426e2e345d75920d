// SPDX-License-Identifier: MIT
import { type DmaBuf, type DmaDevice, KernelError, PAGE_SIZE, type Process } from "@dmabuf/core";
import { I915DmaBuf } from "./i915-dma-buf.ts";
import type { I915Driver } from "./i915-driver.ts";
import { I915Object } from "./i915-object.ts";
import { ImportedBacking } from "./imported-backing.ts";

/** The most pages that the driver's tables count (`INT_MAX`). */
const MOST_PAGES = 2 ** 31 - 1;

/**
 * What the one program that is modelled has brought to the driver's devices: each buffer as one object for both of them,
 * as the PRIME table of its file would have it (G-3).
 */
export class ImportTable {
  readonly #driver: I915Driver;
  readonly #objects = new Map<DmaBuf, I915Object>();

  /** Empty. */
  constructor(driver: I915Driver) {
    this.#driver = driver;
  }

  /**
   * The object behind a buffer, with a reference (N-13): the driver's own object for one of its buffers, else a new one
   * with a static attachment of `device`, under the level `none`, whose pages come with the first use. Throws
   * `KernelError` E2BIG for more pages than 31 bits count, and what attaching answers. @see i915_gem_prime_import
   */
  *import(buffer: DmaBuf, device: DmaDevice): Process<I915Object> {
    const { ops, size, ino } = buffer;
    if (ops instanceof I915DmaBuf && ops.object.driver === this.#driver) return ops.object.get();
    if (size / PAGE_SIZE > MOST_PAGES) {
      const reason = `buffer ${ino} has ${size} bytes, too many pages to count`;
      throw new KernelError("E2BIG", "i915_gem_prime_import", reason);
    }
    buffer.get();
    try {
      const backing = new ImportedBacking(yield* buffer.attach(device));
      const init = { size, backing, level: "none", resv: buffer.resv } as const;
      return new I915Object(this.#driver, this.#driver.nextObject(), init);
    } catch (error) {
      buffer.put();
      throw error;
    }
  }

  /**
   * The program's object for a buffer, with a reference: the one that it has, else an import for `device`. The pages of
   * somebody else's buffer are acquired at once, as when a texture or a framebuffer is made of it. Throws what importing
   * and mapping answer.
   */
  *bring(buffer: DmaBuf, device: DmaDevice): Process<I915Object> {
    const object = this.#objects.get(buffer)?.get() ?? (yield* this.import(buffer, device));
    if (object.imported === null) return object;
    this.#objects.set(buffer, object);
    try {
      using _ = yield* object.resv.lock();
      yield* object.pages.pin();
      object.pages.unpin();
      return object;
    } catch (error) {
      yield* object.put();
      throw error;
    }
  }

  /** Forgets an object whose last reference is gone. */
  forget(buffer: DmaBuf, object: I915Object): void {
    if (this.#objects.get(buffer) === object) this.#objects.delete(buffer);
  }
}
