// SPDX-License-Identifier: MIT
import { type Attachment, type Extents, KernelError, type Process, type SgMapping } from "@dmabuf/core";
import type { Backing } from "./backing.ts";

/** Somebody else's buffer, mapped for both directions as long as the driver holds its pages (N-13). */
export class ImportedBacking implements Backing {
  readonly region = "imported";
  readonly structPages = false;
  readonly attachment: Attachment;
  #mapping: SgMapping | null = null;

  /** Attached, and not mapped yet. */
  constructor(attachment: Attachment) {
    this.attachment = attachment;
  }

  /** The mapping, or null while there is none. */
  get mapping(): SgMapping | null {
    return this.#mapping;
  }

  get extents(): Extents {
    if (this.#mapping !== null) return this.#mapping.extents;
    throw new KernelError("ENODEV", "i915_gem_object_get_pages", "the imported buffer is not mapped");
  }

  /** Maps it; the reservation must be held. Throws what its exporter answers. @see i915_gem_object_get_pages_dmabuf */
  *map(): Process {
    this.#mapping ??= yield* this.attachment.map("bidirectional");
  }

  /** Unmaps it; the reservation must be held. @see i915_gem_object_put_pages_dmabuf */
  *unmap(): Process {
    if (this.#mapping === null) return;
    yield* this.attachment.unmap(this.#mapping);
    this.#mapping = null;
  }

  /** Its exporter frees it. */
  free(): void {}
}
