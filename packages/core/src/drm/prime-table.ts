// SPDX-License-Identifier: MIT
import type { DmaBuf } from "../buffer/dma-buf.ts";

/**
 * Which handle of an open file is which dma-buf, and the other way round; each entry holds a reference to the buffer
 * (G-1). Two handles may be one buffer; which was first is told. @see struct drm_prime_file_private
 */
export class PrimeTable {
  readonly #buffers = new Map<number, DmaBuf>();

  /** Number of entries. */
  get size(): number {
    return this.#buffers.size;
  }

  /** The buffer that a handle was exported as or imported from, or null. */
  buffer(handle: number): DmaBuf | null {
    return this.#buffers.get(handle) ?? null;
  }

  /** The handle of a buffer, or null. */
  handle(buffer: DmaBuf): number | null {
    for (const [handle, known] of this.#buffers) if (known === buffer) return handle;
    return null;
  }

  /** Remembers both. @see drm_prime_add_buf_handle */
  add(buffer: DmaBuf, handle: number): void {
    this.#buffers.set(handle, buffer.get());
  }

  /** Forgets a handle. @see drm_prime_remove_buf_handle */
  remove(handle: number): void {
    this.#buffers.get(handle)?.put();
    this.#buffers.delete(handle);
  }
}
