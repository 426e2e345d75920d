// SPDX-License-Identifier: MIT
import {
  FencedTransfers,
  type ImportedBuffer,
  type MappedAttachment,
  type Process,
  type TransferOptions,
} from "@dmabuf/core";
import type { AccessKind } from "@dmabuf/core/coherency";
import type { DmaFence } from "@dmabuf/core/sync";
import type { GpuProcess } from "./gpu-process.ts";

/**
 * A buffer in the address space of a process: jobs use it by the GPU's addresses, through the GPU's MMU and whatever
 * the bus has.
 */
export class GpuImport implements ImportedBuffer {
  /** Where it begins for the GPU. */
  readonly address: number;
  readonly #process: GpuProcess;
  readonly #mapped: MappedAttachment;
  readonly #transfers: FencedTransfers;

  /** For `GpuProcess.import`; takes over the attachment. */
  constructor(process: GpuProcess, mapped: MappedAttachment, address: number) {
    const { attachment, mapping } = mapped;
    const { buffer, device } = attachment;
    const { mmu } = process.gpu;
    this.address = address;
    this.#process = process;
    this.#mapped = mapped;
    const own = {
      address,
      translation: mmu.translation,
      begin: () => mmu.switchTo(process.context),
    };
    this.#transfers = new FencedTransfers({
      ...{ buffer, device, direction: mapping.direction },
      start: (kind, offset, length, complete) => {
        attachment.transfer(mapping, kind, offset, length, complete, { own });
      },
    });
  }

  /** Throws `KernelError` as `FencedTransfers.transfer`. */
  transfer(kind: AccessKind, options: TransferOptions = {}): Process<DmaFence> {
    return this.#transfers.transfer(kind, options);
  }

  detach(): Process {
    const { buffer, device } = this.#mapped.attachment;
    return buffer.core.simulation.process(`${device.name} detach`, this.#detach());
  }

  *#detach(): Process {
    yield* this.#transfers.end();
    this.#process.unmap(this.address, this.#mapped.attachment.buffer.size);
    yield* this.#mapped.release();
  }
}
