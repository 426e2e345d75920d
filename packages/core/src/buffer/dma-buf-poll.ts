// SPDX-License-Identifier: MIT
import type { Process } from "../sim/process.ts";
import type { FenceCallback, FenceId } from "../sync/fence-callback.ts";
import { type PollEvent, type PollOptions, PollQueue } from "../sync/poll-queue.ts";
import { usageRw } from "../sync/usage.ts";
import type { DmaBuf } from "./dma-buf.ts";

/** One direction: the kernel has one callback for it in each buffer, whoever polls. */
interface Slot {
  readonly event: PollEvent;
  /** Whether a fence will call it. */
  active: boolean;
  readonly signaled: FenceCallback;
}

/**
 * Polling a dma-buf: readable when no writer is pending, writable when nobody is (B-64). Ready says nothing about
 * caches: a bracket is needed still (B-67). @see dma_buf_poll
 */
export class DmaBufPoll {
  readonly #buffer: DmaBuf;
  readonly #pollers: PollQueue;
  /** In the order in which the kernel looks. */
  readonly #slots: readonly Slot[] = [this.#slot("out"), this.#slot("in")];

  constructor(buffer: DmaBuf) {
    this.#buffer = buffer;
    this.#pollers = new PollQueue(buffer.core.simulation, `poll of dma-buf ${buffer.ino}`);
  }

  /** What a program that polls for `interest` finds now; takes the reservation unless that is nothing (B-63). */
  *events(interest: readonly PollEvent[]): Process<readonly PollEvent[]> {
    const asked = this.#slots.filter(({ event }) => interest.includes(event));
    if (asked.length === 0) return [];
    const { resv } = this.#buffer;
    yield* resv.lock();
    const ready = asked.filter((slot) => this.#isReady(slot)).map(({ event }) => event);
    resv.unlock();
    return ready;
  }

  /** Waits until there is something of interest, or nothing when the time is over. */
  poll(interest: readonly PollEvent[], options: PollOptions): Process<readonly PollEvent[]> {
    return this.#pollers.poll(() => this.events(interest), options);
  }

  /** Hooks the first pending fence; a slot that is hooked already is not ready, its wake-up will come (B-65). */
  #isReady(slot: Slot): boolean {
    if (slot.active) return false;
    const { core, resv } = this.#buffer;
    slot.active = true;
    this.#buffer.get();
    let hooked = false;
    resv.forEach(usageRw(slot.event === "out"), (fence) => {
      if (hooked) return;
      core.fences.get(fence);
      hooked = core.fences.addCallback(fence, slot.signaled) !== null;
      if (!hooked) core.fences.put(fence);
    });
    if (!hooked) this.#wake(slot);
    return !hooked;
  }

  /** Wakes everybody, frees the slot, and puts the reference that it had on the file (B-66). */
  #wake(slot: Slot): void {
    this.#pollers.wake();
    slot.active = false;
    const { references, core } = this.#buffer;
    // The release of a buffer is no business of a fence's callback: the kernel leaves it to a worker.
    if (references === 1) core.simulation.timer(() => this.#buffer.putFile()).arm(0);
    else this.#buffer.putFile();
  }

  #slot(event: PollEvent): Slot {
    const slot: Slot = {
      event,
      active: false,
      signaled: (fence: FenceId) => {
        this.#wake(slot);
        this.#buffer.core.fences.put(fence);
      },
    };
    return slot;
  }
}
