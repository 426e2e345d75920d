// SPDX-License-Identifier: MIT
import type { AccessKind } from "../coherency/operation.ts";
import type { DmaDirection } from "../dma/direction.ts";
import type { DmaDevice } from "../dma/dma-device.ts";
import { KernelError } from "../error.ts";
import type { Process } from "../sim/process.ts";
import { DmaFence } from "../sync/dma-fence.ts";
import type { FenceOps } from "../sync/fence-ops.ts";
import type { DmaBuf } from "./dma-buf.ts";
import { type TransferOptions, transferSync } from "./importer.ts";

/** What is transferred, and how the device is started. */
export interface TransferTarget {
  readonly buffer: DmaBuf;
  readonly device: DmaDevice;
  /** What the device may do with the buffer. */
  readonly direction: DmaDirection;
  /** Starts the device on a part of the buffer, and has it call `complete` in atomic context. */
  start(kind: AccessKind, offset: number, length: number, complete: () => void): void;
}

/**
 * The transfers of one device on one buffer, by the recipe R-29: wait for whom implicit synchronisation says, publish a
 * fence, submit, signal. Their fences have a context of their own.
 */
export class FencedTransfers {
  readonly #target: TransferTarget;
  readonly #context: number;
  readonly #fenceOps: FenceOps;
  #seqno = 0;
  #ended = false;

  /** @param fenceOps what the fences say about their driver; default the device's name. */
  constructor(target: TransferTarget, fenceOps?: FenceOps) {
    const { name } = target.device;
    this.#target = target;
    this.#context = target.buffer.core.fences.contextAlloc();
    this.#fenceOps = fenceOps ?? { driverName: name, timelineName: name };
  }

  /**
   * One transfer; returns its fence, with a reference for the caller. Throws `KernelError` EPERM after `end`, EINVAL for
   * what the direction does not allow and for a part that the buffer does not have, EBUSY when it must not wait and would
   * have to.
   */
  transfer(kind: AccessKind, options: TransferOptions = {}): Process<DmaFence> {
    return this.#target.buffer.core.simulation.process("transfer", this.#transfer(kind, options));
  }

  *#transfer(kind: AccessKind, options: TransferOptions): Process<DmaFence> {
    const { offset = 0, length, nonblock = false } = options;
    const { buffer, device, direction } = this.#target;
    const { resv } = buffer;
    const operation = `${device.name} transfer`;
    if (this.#ended) throw new KernelError("EPERM", operation, "the buffer is detached");
    if (direction === (kind === "read" ? "from-device" : "to-device")) {
      const reason = `the buffer is attached ${direction}, the device cannot ${kind} it`;
      throw new KernelError("EINVAL", operation, reason);
    }
    const bytes = length ?? buffer.size - offset;
    if (!(bytes > 0 && offset >= 0 && offset + bytes <= buffer.size)) {
      const reason = `[${offset}, ${offset + bytes}) is not a part of a buffer of ${buffer.size} bytes`;
      throw new KernelError("EINVAL", operation, reason);
    }
    const { waitsFor, publishes } = transferSync(kind, options);
    if (!nonblock) yield* resv.lock();
    else if (!resv.trylock()) throw new KernelError("EBUSY", operation, `${resv.describe()} is taken`);
    const fence = DmaFence.init(buffer.core.fences, this.#fenceOps, this.#context, ++this.#seqno);
    try {
      const left = waitsFor === null ? 1 : yield* resv.wait(waitsFor, nonblock ? { timeout: 0 } : {});
      if (left === 0) throw new KernelError("EBUSY", operation, "fences are pending");
      resv.reserveFences(1);
      resv.addFence(fence, publishes);
    } catch (error) {
      fence.signal();
      fence.put();
      throw error;
    } finally {
      resv.unlock();
    }
    const done = fence.get();
    this.#target.start(kind, offset, bytes, () => {
      done.signal();
      done.put();
    });
    return fence;
  }

  /** Refuses transfers from now on, and waits for everybody's that have begun. */
  end(): Process {
    return this.#target.buffer.core.simulation.process("transfers end", this.#end());
  }

  *#end(): Process {
    this.#ended = true;
    yield* this.#target.buffer.resv.wait("bookkeep");
  }
}
