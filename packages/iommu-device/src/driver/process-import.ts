// SPDX-License-Identifier: MIT
import type { ImportedBuffer, Process, TransferOptions } from "@dmabuf/core";
import type { AccessKind } from "@dmabuf/core/coherency";
import type { DmaFence } from "@dmabuf/core/sync";
import type { GpuImport } from "./gpu-import.ts";
import type { GpuProcess } from "./gpu-process.ts";

/** The only buffer of a process, which ends with it. */
export class ProcessImport implements ImportedBuffer {
  readonly #process: GpuProcess;
  readonly #imported: GpuImport;

  constructor(process: GpuProcess, imported: GpuImport) {
    this.#process = process;
    this.#imported = imported;
  }

  /** Throws `KernelError` as `FencedTransfers.transfer`. */
  transfer(kind: AccessKind, options: TransferOptions = {}): Process<DmaFence> {
    return this.#imported.transfer(kind, options);
  }

  detach(): Process {
    const { simulation } = this.#process.gpu.services;
    return simulation.process("gpu close", this.#detach());
  }

  *#detach(): Process {
    yield* this.#imported.detach();
    this.#process.close();
  }
}
