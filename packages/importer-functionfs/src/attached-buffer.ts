// SPDX-License-Identifier: MIT
import type { Attachment, CoreServices, DmaBuf, Errno, Process, SgMapping } from "@dmabuf/core";
import type { Workqueue } from "@dmabuf/core/sim";
import { beginSignalling, type DmaFence, endSignalling } from "@dmabuf/core/sync";
import { requestEntries } from "./request-entries.ts";

/** A request that the controller has. */
interface Request {
  readonly fence: DmaFence;
  /** Its number at the attachment. */
  readonly transfer: number;
}

/**
 * A buffer as one endpoint has it attached and mapped. The attachment and each outstanding request hold it; whoever is
 * last unmaps, detaches and puts the buffer (FF-3). @see struct ffs_dmabuf_priv
 */
export class AttachedBuffer {
  /** The context of its fences. */
  readonly context: number;
  readonly #services: CoreServices;
  readonly #worker: Workqueue;
  readonly #attachment: Attachment;
  readonly #mapping: SgMapping;
  readonly #requests = new Set<Request>();
  #references = 1;

  /** For `Endpoint.attach`; takes over one reference to the buffer. */
  constructor(services: CoreServices, worker: Workqueue, attachment: Attachment, mapping: SgMapping) {
    this.context = services.dmaBuf.fences.contextAlloc();
    this.#services = services;
    this.#worker = worker;
    this.#attachment = attachment;
    this.#mapping = mapping;
  }

  get buffer(): DmaBuf {
    return this.#attachment.buffer;
  }

  /** Requests that the controller has not given back. */
  get outstanding(): number {
    return this.#requests.size;
  }

  /** Takes another reference. */
  get(): void {
    this.#references++;
  }

  /** Gives a reference back; the last one ends the attachment. @see ffs_dmabuf_release */
  put(): Process {
    return this.#services.simulation.process("ffs_dmabuf_put", this.#put());
  }

  *#put(): Process {
    if (--this.#references > 0) return;
    const { buffer } = this;
    yield* this.#attachment.unmapUnlocked(this.#mapping);
    yield* this.#attachment.detach();
    buffer.put();
  }

  /**
   * Gives the controller a request whose end signals `fence`; it takes over one reference to this. WARNs where 6.12 would
   * tell the controller another number of entries than the part has, because it counts the CPU's view (FF-5).
   * @see usb_ep_queue
   */
  queue(fence: DmaFence, kind: "read" | "write", offset: number, length: number): void {
    const { cpu, dma } = requestEntries(this.#mapping, offset, length);
    if (cpu !== dma) {
      const text = `request of ${length} bytes announced with ${cpu} scatterlist entries, mapped it has ${dma}`;
      this.#services.simulation.diagnostics.warn("FF-5", "FUNCTIONFS_DMABUF_TRANSFER", text);
    }
    const transfer = this.#attachment.transfer(this.#mapping, kind, offset, length, () =>
      this.#complete(request, null),
    );
    const request: Request = { fence: fence.get(), transfer };
    this.#requests.add(request);
  }

  /** Takes every outstanding request back; their fences signal with that error. @see usb_ep_dequeue */
  dequeue(error: Errno): void {
    for (const request of this.#requests) {
      if (this.#attachment.cancel(request.transfer)) this.#complete(request, error);
    }
  }

  /** Signals, and leaves the rest to the worker: signalling must not wait for a reservation (FF-6). */
  #complete(request: Request, error: Errno | null): void {
    this.#requests.delete(request);
    const { simulation } = this.#services;
    const { fence } = request;
    const cookie = beginSignalling(simulation);
    if (error !== null) fence.setError(error);
    fence.signal();
    this.#worker.queue(() => this.#cleanup(fence));
    endSignalling(simulation, cookie);
  }

  *#cleanup(fence: DmaFence): Process {
    yield* this.put();
    fence.put();
  }
}
