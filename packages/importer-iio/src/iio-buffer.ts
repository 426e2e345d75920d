// SPDX-License-Identifier: MIT
import {
  type CoreServices,
  type DmaBuf,
  type DmaDevice,
  type DmaDirection,
  type Errno,
  KernelError,
  type Process,
  type TransferSync,
  transferSync,
} from "@dmabuf/core";
import { MILLISECOND, type Workqueue } from "@dmabuf/core/sim";
import { beginSignalling, DmaFence, endSignalling } from "@dmabuf/core/sync";
import { Block } from "./block.ts";
import { BlockQueue, type BlockState } from "./block-queue.ts";

/** `in` captures: the device writes memory. `out` plays: it reads memory. */
export type IioDirection = "in" | "out";

/** The flag of ENQUEUE that has a block played again and again until it is stopped. */
export const IIO_BUFFER_DMABUF_CYCLIC = 1;

/** How long ENQUEUE waits for fences. @see DMABUF_ENQUEUE_TIMEOUT_MS */
const FENCE_TIMEOUT = 5000 * MILLISECOND;

/** What the fences of all IIO buffers are called (F-26). */
const fenceOps = { driverName: "iio", timelineName: "iio" };

/** What ENQUEUE takes. @see struct iio_dmabuf */
export interface EnqueueOptions {
  /** 0 or {@link IIO_BUFFER_DMABUF_CYCLIC}; default 0. */
  readonly flags?: number;
  /** Bytes to move; default all of the dma-buf. */
  readonly bytesUsed?: number;
  /** First byte to move; default 0, and the ioctl knows nothing else. */
  readonly offset?: number;
  /** `O_NONBLOCK`; default false. */
  readonly nonblock?: boolean;
  /** Default: implicit synchronisation, the only one that the ioctl knows. */
  readonly sync?: TransferSync;
}

/** An IIO buffer: one direction, any number of dma-bufs, each attached once. @see struct iio_buffer */
export class IioBuffer {
  readonly device: DmaDevice;
  readonly direction: IioDirection;
  readonly #services: CoreServices;
  readonly #worker: Workqueue;
  readonly #queue = new BlockQueue();
  readonly #blocks: Block[] = [];
  #fileIo = false;

  /** For `Iio.open`. */
  constructor(services: CoreServices, device: DmaDevice, direction: IioDirection, worker: Workqueue) {
    this.#services = services;
    this.device = device;
    this.direction = direction;
    this.#worker = worker;
  }

  /** As in messages: `adc-dmac IIO in buffer`. */
  get name(): string {
    return `${this.device.name} IIO ${this.direction} buffer`;
  }

  /** The direction of its mappings: FROM_DEVICE for `in`, TO_DEVICE for `out` (IO-1). */
  get dmaDirection(): DmaDirection {
    return this.direction === "in" ? "from-device" : "to-device";
  }

  /** Whether it works for read and write on its file, and not for dma-bufs. */
  get fileIo(): boolean {
    return this.#fileIo;
  }

  /** Starts the converter. A buffer without a dma-buf starts in file-I/O mode (IO-4). @see iio_dma_buffer_enable */
  enable(): void {
    if (this.#blocks.length === 0) this.#fileIo = true;
    this.#queue.enable();
  }

  /**
   * Stops the converter and leaves file-I/O mode: what the engine has comes back, its fences signal EINTR (IO-2); what
   * was not given to it yet stays queued. @see iio_dma_buffer_disable
   */
  disable(): void {
    this.#queue.disable();
    this.#fileIo = false;
  }

  /** The state of a dma-buf's block, or undefined for one that is not attached. */
  state(buffer: DmaBuf): BlockState | undefined {
    return this.#find(buffer)?.state;
  }

  /**
   * Attaches and maps a dma-buf until it is detached, with a reference of its own (IO-1). Throws `KernelError` EBUSY for
   * one that is attached already, in file-I/O mode, and when `nonblock` and the reservation is locked; and what the
   * dma-buf's attach and map answer. @see IIO_BUFFER_DMABUF_ATTACH_IOCTL
   */
  attach(buffer: DmaBuf, options: { readonly nonblock?: boolean } = {}): Process {
    return this.#process("IIO_BUFFER_DMABUF_ATTACH_IOCTL", this.#attach(buffer, options.nonblock ?? false));
  }

  *#attach(buffer: DmaBuf, nonblock: boolean): Process {
    buffer.get();
    try {
      const attachment = yield* buffer.attach(this.device);
      try {
        yield* this.#lock("IIO_BUFFER_DMABUF_ATTACH_IOCTL", buffer, nonblock);
        let block: Block;
        try {
          const mapping = yield* attachment.map(this.dmaDirection);
          try {
            if (this.#fileIo) throw this.#attachBusy("it is in file-I/O mode");
            block = new Block(this.#services, this.#worker, attachment, mapping);
            // Linux looks for a twin last, when everything is attached and mapped.
            if (this.#find(buffer) !== undefined)
              throw this.#attachBusy(`buffer ${buffer.ino} is attached already`);
          } catch (error) {
            yield* attachment.unmap(mapping);
            throw error;
          }
        } finally {
          buffer.resv.unlock();
        }
        this.#blocks.push(block);
      } catch (error) {
        yield* attachment.detach();
        throw error;
      }
    } catch (error) {
      buffer.put();
      throw error;
    }
  }

  /**
   * Detaches a dma-buf; a block that is queued or active is taken back, its fence signals EINTR (IO-4). Throws
   * `KernelError` EPERM for one that is not attached. @see IIO_BUFFER_DMABUF_DETACH_IOCTL
   */
  detach(buffer: DmaBuf): Process {
    return this.#process("IIO_BUFFER_DMABUF_DETACH_IOCTL", this.#detach(buffer));
  }

  *#detach(buffer: DmaBuf): Process {
    const block = this.#find(buffer);
    if (block === undefined) throw this.#notAttached("IIO_BUFFER_DMABUF_DETACH_IOCTL", buffer);
    this.#blocks.splice(this.#blocks.indexOf(block), 1);
    this.#queue.remove(block);
    yield* block.put();
  }

  /**
   * Enqueues an attached dma-buf and publishes its fence, WRITE for `in` and READ for `out`; returns a reference to it.
   * Throws `KernelError`, checked in this order (IO-2, IO-3): EINVAL flags, EINVAL `bytesUsed`, EPERM not attached, EBUSY
   * or EINTR lock and up to 5 s of fences. Then the fence is published, and a block that is queued already (EPERM),
   * active (EBUSY), or of a buffer in file-I/O mode (EBUSY) makes it signal with that error, which is thrown as well.
   * @see IIO_BUFFER_DMABUF_ENQUEUE_IOCTL
   */
  enqueue(buffer: DmaBuf, options: EnqueueOptions = {}): Process<DmaFence> {
    return this.#process("IIO_BUFFER_DMABUF_ENQUEUE_IOCTL", this.#enqueue(buffer, options));
  }

  *#enqueue(buffer: DmaBuf, options: EnqueueOptions): Process<DmaFence> {
    const { flags = 0, offset = 0, nonblock = false } = options;
    const { bytesUsed: length = buffer.size - offset } = options;
    if (flags !== 0 && flags !== IIO_BUFFER_DMABUF_CYCLIC) {
      throw this.#error("EINVAL", `flags 0x${flags.toString(16)} are not 0 or CYCLIC`);
    }
    const cyclic = flags === IIO_BUFFER_DMABUF_CYCLIC;
    if (cyclic && this.direction === "in") throw this.#error("EINVAL", "a capture cannot be cyclic");
    if (!(offset >= 0 && length > 0 && offset + length <= buffer.size)) {
      const part = `[${offset}, ${offset + length})`;
      throw this.#error("EINVAL", `${part} is not a part of a buffer of ${buffer.size} bytes`);
    }
    const block = this.#find(buffer);
    if (block === undefined) throw this.#notAttached("IIO_BUFFER_DMABUF_ENQUEUE_IOCTL", buffer);
    block.get();
    const kind = this.direction === "in" ? "write" : "read";
    const fence = yield* this.#publish(block, nonblock, options.sync ?? transferSync(kind));
    const { simulation } = this.#services;
    const cookie = beginSignalling(simulation);
    const refusal = this.#refusal(block);
    if (refusal !== null) block.signal(fence, refusal.errno);
    else {
      block.prepare({ fence, kind, offset, length, cyclic });
      this.#queue.enqueue(block);
    }
    endSignalling(simulation, cookie);
    if (refusal !== null) throw refusal;
    return fence;
  }

  /** Waits as implicit synchronisation asks and adds a new fence; gives up the block's reference when that fails. */
  *#publish(block: Block, nonblock: boolean, { waitsFor, publishes }: TransferSync): Process<DmaFence> {
    const { buffer, context } = block;
    const fence = DmaFence.init(this.#services.dmaBuf.fences, fenceOps, context, block.nextSeqno());
    try {
      yield* this.#lock("IIO_BUFFER_DMABUF_ENQUEUE_IOCTL", buffer, nonblock);
      try {
        const timeout = nonblock ? 0 : FENCE_TIMEOUT;
        const left =
          waitsFor === null ? 1 : yield* buffer.resv.wait(waitsFor, { interruptible: true, timeout });
        if (left === 0) throw this.#error("EBUSY", pendingText(nonblock));
        buffer.resv.reserveFences(1);
        buffer.resv.addFence(fence, publishes);
      } finally {
        buffer.resv.unlock();
      }
    } catch (error) {
      fence.put();
      yield* block.put();
      throw error;
    }
    return fence;
  }

  #refusal({ state }: Block): KernelError | null {
    if (this.#fileIo) return this.#error("EBUSY", "it is in file-I/O mode");
    if (state === "done") return null;
    return this.#error(state === "queued" ? "EPERM" : "EBUSY", `the block is ${state}`);
  }

  #find(buffer: DmaBuf): Block | undefined {
    return this.#blocks.find((block) => block.buffer === buffer);
  }

  *#lock(operation: string, buffer: DmaBuf, nonblock: boolean): Process {
    if (!nonblock) yield* buffer.resv.lock({ interruptible: true });
    else if (!buffer.resv.trylock()) {
      throw new KernelError("EBUSY", operation, `${this.name}: ${buffer.resv.describe()} is taken`);
    }
  }

  #process<T>(name: string, process: Process<T>): Process<T> {
    return this.#services.simulation.process(name, process);
  }

  #error(errno: Errno, reason: string): KernelError {
    return new KernelError(errno, "IIO_BUFFER_DMABUF_ENQUEUE_IOCTL", `${this.name}: ${reason}`);
  }

  #attachBusy(reason: string): KernelError {
    return new KernelError("EBUSY", "IIO_BUFFER_DMABUF_ATTACH_IOCTL", `${this.name}: ${reason}`);
  }

  #notAttached(operation: string, { ino }: DmaBuf): KernelError {
    return new KernelError("EPERM", operation, `${this.name}: buffer ${ino} is not attached to it`);
  }
}

const pendingText = (nonblock: boolean): string =>
  nonblock ? "fences are pending" : `fences were still pending after ${FENCE_TIMEOUT / MILLISECOND} ms`;
