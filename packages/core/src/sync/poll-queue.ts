// SPDX-License-Identifier: MIT
import type { Process } from "../sim/process.ts";
import type { Simulation } from "../sim/simulation.ts";
import { WaitQueue } from "../sim/wait-queue.ts";

/** What a program can poll a file for: that it may read, that it may write. @see POLLIN, POLLOUT */
export type PollEvent = "in" | "out";

/** How long a program polls. */
export interface PollOptions {
  /** After how many ns to give up; 0 only asks. Default never. */
  readonly timeout?: number;
}

/** The programs that poll a file. */
export class PollQueue {
  readonly #simulation: Simulation;
  readonly #queue: WaitQueue;
  #wakes = 0;

  /** @param name of the file, as in `poll of dma-buf 3`. */
  constructor(simulation: Simulation, name: string) {
    this.#simulation = simulation;
    this.#queue = new WaitQueue(simulation, name);
  }

  /** Has everybody look again. Works in atomic context. */
  wake(): void {
    this.#wakes++;
    this.#queue.wakeAll();
  }

  /**
   * Asks the file, and again whenever it wakes up its pollers, until it has something or the time is over. Throws
   * `KernelError` EINTR for a signal. @see do_poll
   */
  *poll(ask: () => Process<readonly PollEvent[]>, options: PollOptions): Process<readonly PollEvent[]> {
    const { timeout = Number.POSITIVE_INFINITY } = options;
    const deadline = this.#simulation.now + timeout;
    for (let last = timeout <= 0; ; ) {
      // Asking may sleep for a lock, so a wake-up may come before we wait for one: it is counted, and not lost (H.10).
      const seen = this.#wakes;
      const events = yield* ask();
      if (events.length > 0 || last) return events;
      const left = Math.max(0, deadline - this.#simulation.now);
      last = !(yield* this.#queue.waitUntil(() => this.#wakes !== seen, {
        timeout: left,
        interruptible: true,
      }));
    }
  }
}
