// SPDX-License-Identifier: MIT
import {
  type ImportedBuffer,
  KernelError,
  type Process,
  type TransferOptions,
  transferSync,
} from "@dmabuf/core";
import type { Simulation } from "@dmabuf/core/sim";
import type { DmaFence } from "@dmabuf/core/sync";
import type { AttachedBuffer } from "./attached-buffer.ts";
import type { Endpoint } from "./endpoint.ts";

/**
 * An attached buffer as pipelines use it. The ioctl always begins with the buffer's first byte; `offset` goes beyond
 * it, so that a pipeline can ask what a transfer of any part would do.
 */
export class EndpointImport implements ImportedBuffer {
  readonly #simulation: Simulation;
  readonly #endpoint: Endpoint;
  readonly #attached: AttachedBuffer;

  /** For `FunctionFs.attach`. */
  constructor(simulation: Simulation, endpoint: Endpoint, attached: AttachedBuffer) {
    this.#simulation = simulation;
    this.#endpoint = endpoint;
    this.#attached = attached;
  }

  /** Throws `KernelError` EINVAL for the other direction or a part that the buffer does not have, and as FF-4, FF-5. */
  transfer(kind: "read" | "write", options: TransferOptions = {}): Process<DmaFence> {
    return this.#simulation.process("FUNCTIONFS_DMABUF_TRANSFER", this.#transfer(kind, options));
  }

  *#transfer(kind: "read" | "write", options: TransferOptions): Process<DmaFence> {
    const { size } = this.#attached.buffer;
    const { offset = 0, nonblock = false } = options;
    const { length = size - offset } = options;
    const { direction } = this.#endpoint;
    if ((kind === "read") !== (direction === "in")) {
      throw this.#invalid(`the device cannot ${kind} memory through it`);
    }
    const end = offset + length;
    if (!(offset >= 0 && length > 0 && end <= size)) {
      throw this.#invalid(`[${offset}, ${end}) is not a part of a buffer of ${size} bytes`);
    }
    return yield* this.#endpoint.transfer(this.#attached, {
      offset,
      length,
      nonblock,
      sync: transferSync(kind, options),
    });
  }

  detach(): Process {
    return this.#endpoint.detach(this.#attached);
  }

  #invalid(reason: string): KernelError {
    return new KernelError("EINVAL", "FUNCTIONFS_DMABUF_TRANSFER", `${this.#endpoint.name}: ${reason}`);
  }
}
