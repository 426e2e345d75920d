// SPDX-License-Identifier: MIT
import { type DmaBuf, type DmaDevice, KernelError, PAGE_SIZE, type Process } from "@dmabuf/core";
import { I915DmaBuf } from "./i915-dma-buf.ts";
import type { I915Driver } from "./i915-driver.ts";
import { I915Object } from "./i915-object.ts";
import { ImportedBacking } from "./imported-backing.ts";

/** The most pages that the driver's tables count (`INT_MAX`). */
const MOST_PAGES = 2 ** 31 - 1;

/** The buffers of others that a driver has brought in, each as one object for all of its devices. */
export class ImportTable {
  readonly #driver: I915Driver;
  readonly #objects = new Map<DmaBuf, I915Object>();

  /** Empty. */
  constructor(driver: I915Driver) {
    this.#driver = driver;
  }

  /**
   * The object behind a buffer, with a reference (N-13): the driver's own object for one of its buffers; else the one
   * that it was imported as, by whichever device came first; else a new one with a static attachment of `device`, under
   * the level `none`, whose pages come with the first use. Throws `KernelError` E2BIG for more pages than 31 bits count,
   * and what attaching answers. @see i915_gem_prime_import
   */
  *bring(buffer: DmaBuf, device: DmaDevice): Process<I915Object> {
    const { ops } = buffer;
    if (ops instanceof I915DmaBuf && ops.object.driver === this.#driver) return ops.object.get();
    const known = this.#objects.get(buffer);
    if (known !== undefined) return known.get();
    if (buffer.size / PAGE_SIZE > MOST_PAGES) {
      const reason = `buffer ${buffer.ino} has ${buffer.size} bytes, too many pages to count`;
      throw new KernelError("E2BIG", "i915_gem_prime_import", reason);
    }
    const object = yield* this.#import(buffer, device);
    this.#objects.set(buffer, object);
    return object;
  }

  /**
   * As `bring`, with the pages of somebody else's buffer acquired at once, as when a program makes a texture or a
   * framebuffer of it. Throws also what mapping answers.
   */
  *bringMapped(buffer: DmaBuf, device: DmaDevice): Process<I915Object> {
    const object = yield* this.bring(buffer, device);
    if (object.imported === null) return object;
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

  *#import(buffer: DmaBuf, device: DmaDevice): Process<I915Object> {
    buffer.get();
    try {
      const backing = new ImportedBacking(yield* buffer.attach(device));
      const { size, resv } = buffer;
      return new I915Object(this.#driver, this.#driver.nextObject(), { size, backing, level: "none", resv });
    } catch (error) {
      buffer.put();
      throw error;
    }
  }
}
