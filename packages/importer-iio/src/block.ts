// SPDX-License-Identifier: MIT
import type { Attachment, CoreServices, DmaBuf, Errno, Process, SgMapping } from "@dmabuf/core";
import type { Workqueue } from "@dmabuf/core/sim";
import { beginSignalling, type DmaFence, endSignalling } from "@dmabuf/core/sync";
import type { BlockState } from "./block-queue.ts";

/** What the engine is to do with a block. */
export interface BlockJob {
  readonly fence: DmaFence;
  readonly kind: "read" | "write";
  readonly offset: number;
  readonly length: number;
  readonly cyclic: boolean;
}

/**
 * A dma-buf attached to an IIO buffer, and its place in the queue. The attachment and each fence that has not been
 * cleaned up hold it; whoever is last unmaps, detaches and puts the dma-buf. @see struct iio_dma_buffer_block
 */
export class Block {
  state: BlockState = "done";
  /** The context of its fences. */
  readonly context: number;
  readonly #services: CoreServices;
  readonly #worker: Workqueue;
  readonly #attachment: Attachment;
  readonly #mapping: SgMapping;
  #job: BlockJob | null = null;
  #transfer = -1;
  #seqno = 0;
  #references = 1;

  /** For `IioBuffer.attach`; takes over one reference to the dma-buf. */
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

  /** The number of its next fence. */
  nextSeqno(): number {
    return ++this.#seqno;
  }

  /** Takes another reference. @see iio_buffer_dmabuf_get */
  get(): void {
    this.#references++;
  }

  /** Gives a reference back; the last one ends the attachment. @see iio_buffer_dmabuf_release */
  put(): Process {
    return this.#services.simulation.process("iio_buffer_dmabuf_put", this.#put());
  }

  *#put(): Process {
    if (--this.#references > 0) return;
    const { buffer } = this;
    yield* this.#attachment.unmapUnlocked(this.#mapping);
    yield* this.#attachment.detach();
    buffer.put();
  }

  /** What it does next; takes over one reference to this, which goes when the fence has signaled. */
  prepare(job: BlockJob): void {
    this.#job = { ...job, fence: job.fence.get() };
  }

  /** Gives it to the engine, which calls `done` in atomic context, never for a cyclic one. */
  start(done: () => void): void {
    const { kind, offset, length, cyclic } = this.#job as BlockJob;
    this.#transfer = this.#attachment.transfer(this.#mapping, kind, offset, length, done, { cyclic });
  }

  /** Takes it back from the engine; false when it is done already and about to say so. */
  stop(): boolean {
    return this.#attachment.cancel(this.#transfer);
  }

  /** Signals the fence of what it was prepared for. */
  finish(error: Errno | null): void {
    const { fence } = this.#job as BlockJob;
    this.#job = null;
    this.signal(fence, error);
  }

  /** Signals a fence and leaves the rest to the worker (IO-5). @see iio_buffer_signal_dmabuf_done */
  signal(fence: DmaFence, error: Errno | null): void {
    const { simulation } = this.#services;
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
