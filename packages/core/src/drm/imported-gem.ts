// SPDX-License-Identifier: MIT
import type { Attachment } from "../buffer/attachment.ts";
import type { MappedAttachment } from "../buffer/mapped-attachment.ts";
import type { AccessKind } from "../coherency/operation.ts";
import type { SgMapping } from "../dma/mapping.ts";
import type { Process } from "../sim/process.ts";
import type { DmaResv } from "../sync/dma-resv.ts";
import { CountedGem } from "./counted-gem.ts";

/**
 * An object of somebody else's memory. It uses the buffer's reservation as its own, and stays mapped, both ways, until it
 * is freed (G-4). @see drm_prime_gem_destroy
 */
export class ImportedGem extends CountedGem {
  readonly imported: Attachment;
  readonly mapping: SgMapping;
  readonly #mapped: MappedAttachment;

  /** Takes over the attachment. */
  constructor(mapped: MappedAttachment) {
    const { buffer } = mapped.attachment;
    super(buffer.core.simulation, buffer.size);
    this.imported = mapped.attachment;
    this.mapping = mapped.mapping;
    this.#mapped = mapped;
  }

  /** The buffer's. */
  get resv(): DmaResv {
    return this.imported.buffer.resv;
  }

  /** Lets the device read or write a part of it, and has it call `complete` in atomic context. */
  start(kind: AccessKind, offset: number, length: number, complete: () => void): void {
    this.imported.transfer(this.mapping, kind, offset, length, complete);
  }

  protected free(): Process {
    return this.#mapped.release();
  }
}
