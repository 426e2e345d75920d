// SPDX-License-Identifier: MIT
import {
  type DmaBuf,
  type ImportedBuffer,
  KernelError,
  type Process,
  type TransferOptions,
  transferSync,
} from "@dmabuf/core";
import type { Simulation } from "@dmabuf/core/sim";
import type { DmaFence } from "@dmabuf/core/sync";
import type { IioBuffer } from "./iio-buffer.ts";

/**
 * A dma-buf in an IIO buffer of its own, as a program uses it that waits for a block before it enqueues it again. ENQUEUE
 * always begins with the first byte; `offset` goes beyond it, so that a pipeline can ask what a transfer of any part
 * would do.
 */
export class IioImport implements ImportedBuffer {
  readonly iioBuffer: IioBuffer;
  readonly #simulation: Simulation;
  readonly #buffer: DmaBuf;
  #last: DmaFence | null = null;

  /** For `Iio.attach`. */
  constructor(simulation: Simulation, iioBuffer: IioBuffer, buffer: DmaBuf) {
    this.#simulation = simulation;
    this.iioBuffer = iioBuffer;
    this.#buffer = buffer;
  }

  /** Throws `KernelError` EINVAL for the other direction, and as `IioBuffer.enqueue`. */
  transfer(kind: "read" | "write", options: TransferOptions = {}): Process<DmaFence> {
    return this.#simulation.process("IIO_BUFFER_DMABUF_ENQUEUE_IOCTL", this.#transfer(kind, options));
  }

  *#transfer(kind: "read" | "write", options: TransferOptions): Process<DmaFence> {
    const { offset = 0, nonblock = false } = options;
    const { length: bytesUsed = this.#buffer.size - offset } = options;
    if ((kind === "write") !== (this.iioBuffer.direction === "in")) {
      const reason = `${this.iioBuffer.name}: the device cannot ${kind} memory through it`;
      throw new KernelError("EINVAL", "IIO_BUFFER_DMABUF_ENQUEUE_IOCTL", reason);
    }
    if (!nonblock && this.#last !== null) yield* this.#last.wait({ interruptible: true });
    const fence = yield* this.iioBuffer.enqueue(this.#buffer, {
      offset,
      bytesUsed,
      nonblock,
      sync: transferSync(kind, options),
    });
    this.#forget();
    this.#last = fence.get();
    return fence;
  }

  detach(): Process {
    this.#forget();
    return this.iioBuffer.detach(this.#buffer);
  }

  #forget(): void {
    this.#last?.put();
    this.#last = null;
  }
}
