// SPDX-License-Identifier: MIT
import type { Errno } from "@dmabuf/core";
import type { Block } from "./block.ts";

/**
 * Where a block is: `done` is the user's; `queued` waits for the IIO buffer to be enabled; `active` is the engine's;
 * `dead` is detached. @see enum iio_block_state
 */
export type BlockState = "done" | "queued" | "active" | "dead";

/** The blocks of an IIO buffer: given to the engine at once, or when the buffer is enabled. @see struct iio_dma_buffer_queue */
export class BlockQueue {
  readonly #incoming: Block[] = [];
  readonly #active = new Set<Block>();
  #enabled = false;

  /** Starts the engine with everything that was queued, in order. @see iio_dma_buffer_enable */
  enable(): void {
    this.#enabled = true;
    for (const block of this.#incoming.splice(0)) this.#submit(block);
  }

  /**
   * Stops the engine: its blocks come back, their fences signal EINTR. What is queued and not yet given to it stays
   * queued. @see iio_dma_buffer_disable
   */
  disable(): void {
    this.#enabled = false;
    for (const block of this.#active) this.#abort(block);
  }

  /** Takes an idle block: to the engine, or into the queue until the buffer is enabled. @see iio_dma_buffer_enqueue */
  enqueue(block: Block): void {
    if (this.#enabled) this.#submit(block);
    else {
      block.state = "queued";
      this.#incoming.push(block);
    }
  }

  /** Takes a block back from wherever it is; it can never be enqueued again. @see iio_dma_buffer_detach_dmabuf */
  remove(block: Block): void {
    const at = this.#incoming.indexOf(block);
    if (at >= 0) {
      this.#incoming.splice(at, 1);
      block.finish("EINTR");
    } else if (this.#active.has(block)) this.#abort(block);
    block.state = "dead";
  }

  #submit(block: Block): void {
    block.state = "active";
    this.#active.add(block);
    block.start(() => this.#done(block, null));
  }

  #abort(block: Block): void {
    if (block.stop()) this.#done(block, "EINTR");
  }

  #done(block: Block, error: Errno | null): void {
    this.#active.delete(block);
    if (block.state !== "dead") block.state = "done";
    block.finish(error);
  }
}
