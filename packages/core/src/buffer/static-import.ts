// SPDX-License-Identifier: MIT
import type { AccessKind } from "../coherency/operation.ts";
import type { Process } from "../sim/process.ts";
import type { DmaFence } from "../sync/dma-fence.ts";
import type { FenceOps } from "../sync/fence-ops.ts";
import { FencedTransfers } from "./fenced-transfers.ts";
import type { ImportedBuffer, TransferOptions } from "./importer.ts";
import type { MappedAttachment } from "./mapped-attachment.ts";

/**
 * A buffer as most drivers have it: mapped when it is attached, and each transfer by the recipe R-29. It is the skeleton
 * OI-5, no driver in particular.
 */
export class StaticImport implements ImportedBuffer {
  readonly #mapped: MappedAttachment;
  readonly #transfers: FencedTransfers;

  /**
   * Takes over the attachment; the mapping's direction says what the device may do.
   * @param fenceOps what the fences say about their driver; default the device's name
   */
  constructor(mapped: MappedAttachment, fenceOps?: FenceOps) {
    const { attachment, mapping } = mapped;
    const { buffer, device } = attachment;
    this.#mapped = mapped;
    const target = {
      ...{ buffer, device, direction: mapping.direction },
      start: (kind: AccessKind, offset: number, length: number, complete: () => void): void => {
        attachment.transfer(mapping, kind, offset, length, complete);
      },
    };
    this.#transfers = new FencedTransfers(target, fenceOps);
  }

  /** Throws `KernelError` as `FencedTransfers.transfer`. */
  transfer(kind: AccessKind, options: TransferOptions = {}): Process<DmaFence> {
    return this.#transfers.transfer(kind, options);
  }

  detach(): Process {
    const { simulation } = this.#mapped.attachment.buffer.core;
    return simulation.process("detach", this.#detach());
  }

  *#detach(): Process {
    yield* this.#transfers.end();
    yield* this.#mapped.release();
  }
}
