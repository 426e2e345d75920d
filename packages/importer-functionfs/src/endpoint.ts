// SPDX-License-Identifier: MIT
import {
  type CoreServices,
  type DmaBuf,
  type DmaDirection,
  KernelError,
  type Process,
  type TransferSync,
  transferSync,
} from "@dmabuf/core";
import { MILLISECOND, WaitQueue, type Workqueue } from "@dmabuf/core/sim";
import { beginSignalling, DmaFence, endSignalling } from "@dmabuf/core/sync";
import { AttachedBuffer } from "./attached-buffer.ts";
import { EndpointFile } from "./endpoint-file.ts";
import type { FunctionFs } from "./functionfs.ts";

/** As the USB host sees it: IN reads the gadget's memory, OUT writes to it. */
export type EndpointDirection = "in" | "out";

/** How long TRANSFER waits for fences. @see DMABUF_ENQUEUE_TIMEOUT_MS */
const FENCE_TIMEOUT = 5000 * MILLISECOND;

/** What the fences of all endpoints are called (F-26). */
const fenceOps = { driverName: "functionfs", timelineName: "" };

/** The part of a buffer that one TRANSFER moves, and whether it may wait. */
export interface EndpointTransfer {
  readonly offset: number;
  readonly length: number;
  readonly nonblock: boolean;
  /** Default: implicit synchronisation, the only one that the ioctl knows. */
  readonly sync?: TransferSync;
}

/** An endpoint and the buffers attached to it, whichever file they came through. @see struct ffs_epfile */
export class Endpoint {
  readonly gadget: FunctionFs;
  readonly direction: EndpointDirection;
  readonly #services: CoreServices;
  readonly #worker: Workqueue;
  readonly #attached: AttachedBuffer[] = [];
  readonly #change: WaitQueue;
  #enabled = true;
  /** Counts up whenever it is enabled, so that TRANSFER sees a change behind its back. */
  #configuration = 1;
  #seqno = 0;

  /** For `FunctionFs`. */
  constructor(services: CoreServices, gadget: FunctionFs, direction: EndpointDirection, worker: Workqueue) {
    this.gadget = gadget;
    this.direction = direction;
    this.#services = services;
    this.#worker = worker;
    this.#change = new WaitQueue(services.simulation, `${this.name} to be enabled`);
  }

  /** As in messages: `usb0 IN endpoint`. */
  get name(): string {
    return `${this.gadget.device.name} ${this.direction.toUpperCase()} endpoint`;
  }

  /** The direction of its mappings: TO_DEVICE for IN, FROM_DEVICE for OUT (FF-2). */
  get dmaDirection(): DmaDirection {
    return this.direction === "in" ? "to-device" : "from-device";
  }

  /** The buffers attached to it, newest first. */
  get attached(): readonly AttachedBuffer[] {
    return this.#attached;
  }

  /** Whether the host has configured it. */
  get enabled(): boolean {
    return this.#enabled;
  }

  /** The host configures it: transfers that waited for this go on. */
  enable(): void {
    if (this.#enabled) return;
    this.#enabled = true;
    this.#configuration++;
    this.#change.wakeAll();
  }

  /** The host resets it or goes away: every request comes back with ESHUTDOWN. Works in atomic context. */
  disable(): void {
    if (!this.#enabled) return;
    this.#enabled = false;
    for (const attached of this.#attached) attached.dequeue("ESHUTDOWN");
  }

  /** Opens a file of it: the ioctls, with `O_NONBLOCK` or without. */
  open(options: { readonly nonblock?: boolean } = {}): EndpointFile {
    return new EndpointFile(this.#services, this, options.nonblock ?? false);
  }

  /** Throws `KernelError` EPERM when no buffer can be attached, whichever it is (FF-2). */
  assertAttachable(): void {
    const { refusal } = this.gadget;
    if (refusal !== null) throw new KernelError("EPERM", "FUNCTIONFS_DMABUF_ATTACH", refusal);
  }

  /**
   * Attaches and maps a buffer until it is detached (FF-2); the caller's reference is given to the attachment. One buffer
   * may be attached several times. Throws `KernelError` EBUSY when `nonblock` and the reservation is locked, and what
   * the buffer's attach and map answer.
   */
  attach(buffer: DmaBuf, nonblock = false): Process<AttachedBuffer> {
    return this.#process("FUNCTIONFS_DMABUF_ATTACH", this.#attach(buffer, nonblock));
  }

  *#attach(buffer: DmaBuf, nonblock: boolean): Process<AttachedBuffer> {
    try {
      const attachment = yield* buffer.attach(this.gadget.device);
      try {
        yield* this.#lock("FUNCTIONFS_DMABUF_ATTACH", buffer, nonblock);
        try {
          const mapping = yield* attachment.map(this.dmaDirection);
          const attached = new AttachedBuffer(this.#services, this.#worker, attachment, mapping);
          this.#attached.unshift(attached);
          return attached;
        } finally {
          buffer.resv.unlock();
        }
      } catch (error) {
        yield* attachment.detach();
        throw error;
      }
    } catch (error) {
      buffer.put();
      throw error;
    }
  }

  /** The newest attachment of that buffer; throws `KernelError` EPERM when there is none (FF-3, FF-4). */
  find(operation: string, buffer: DmaBuf): AttachedBuffer {
    const found = this.#attached.find((attached) => attached.buffer === buffer);
    if (found === undefined) throw this.#notAttached(operation, buffer);
    return found;
  }

  /**
   * Detaches: outstanding requests come back with ECONNRESET, the mapping goes with the last of them (FF-3). Throws
   * `KernelError` EPERM when it is detached already.
   */
  detach(attached: AttachedBuffer): Process {
    return this.#process("FUNCTIONFS_DMABUF_DETACH", this.#detach(attached));
  }

  *#detach(attached: AttachedBuffer): Process {
    const at = this.#attached.indexOf(attached);
    if (at < 0) throw this.#notAttached("FUNCTIONFS_DMABUF_DETACH", attached.buffer);
    attached.dequeue("ECONNRESET");
    this.#attached.splice(at, 1);
    yield* attached.put();
  }

  /** Detaches everything, as the release of a file of the endpoint does (FF-3). */
  detachAll(): Process {
    return this.#process("ffs_epfile_release", this.#detachAll());
  }

  *#detachAll(): Process {
    for (const attached of [...this.#attached]) yield* this.detach(attached);
  }

  /**
   * Queues a request for a part of an attached buffer and publishes its fence, a READ fence for IN and a WRITE fence for
   * OUT; returns a reference to it. Waits for the endpoint to be enabled (EAGAIN with `nonblock`), for the reservation
   * and then up to 5 s for fences (EBUSY); ESHUTDOWN when the endpoint was disabled meanwhile (FF-4, FF-5).
   */
  transfer(attached: AttachedBuffer, transfer: EndpointTransfer): Process<DmaFence> {
    return this.#process("FUNCTIONFS_DMABUF_TRANSFER", this.#transfer(attached, transfer));
  }

  *#transfer(attached: AttachedBuffer, transfer: EndpointTransfer): Process<DmaFence> {
    const { buffer } = attached;
    const { offset, length, nonblock } = transfer;
    const kind = this.direction === "out" ? "write" : "read";
    const { waitsFor, publishes } = transfer.sync ?? transferSync(kind);
    const { dmaBuf, simulation } = this.#services;
    if (!this.#attached.includes(attached)) throw this.#notAttached("FUNCTIONFS_DMABUF_TRANSFER", buffer);
    attached.get();
    try {
      yield* this.#waitUntilEnabled(nonblock);
      const configuration = this.#configuration;
      yield* this.#lock("FUNCTIONFS_DMABUF_TRANSFER", buffer, nonblock);
      let fence: DmaFence;
      try {
        const timeout = nonblock ? 0 : FENCE_TIMEOUT;
        const left =
          waitsFor === null ? 1 : yield* buffer.resv.wait(waitsFor, { interruptible: true, timeout });
        if (left === 0) throw this.#error("EBUSY", pendingText(nonblock));
        buffer.resv.reserveFences(1);
        if (!this.#enabled || this.#configuration !== configuration) {
          throw this.#error("ESHUTDOWN", "it was disabled while the transfer waited");
        }
        fence = DmaFence.init(dmaBuf.fences, fenceOps, attached.context, ++this.#seqno);
        buffer.resv.addFence(fence, publishes);
      } finally {
        buffer.resv.unlock();
      }
      const cookie = beginSignalling(simulation);
      attached.queue(fence, kind, offset, length);
      endSignalling(simulation, cookie);
      return fence;
    } catch (error) {
      yield* attached.put();
      throw error;
    }
  }

  *#waitUntilEnabled(nonblock: boolean): Process {
    if (this.#enabled) return;
    if (nonblock) throw this.#error("EAGAIN", "it is not enabled");
    yield* this.#change.waitUntil(() => this.#enabled, { interruptible: true });
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

  #error(errno: "EBUSY" | "EAGAIN" | "ESHUTDOWN", reason: string): KernelError {
    return new KernelError(errno, "FUNCTIONFS_DMABUF_TRANSFER", `${this.name}: ${reason}`);
  }

  #notAttached(operation: string, { ino }: DmaBuf): KernelError {
    return new KernelError("EPERM", operation, `${this.name}: buffer ${ino} is not attached to it`);
  }
}

const pendingText = (nonblock: boolean): string =>
  nonblock ? "fences are pending" : `fences were still pending after ${FENCE_TIMEOUT / MILLISECOND} ms`;
