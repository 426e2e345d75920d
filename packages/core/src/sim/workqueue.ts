// SPDX-License-Identifier: MIT
import type { Process } from "./process.ts";
import type { Simulation } from "./simulation.ts";
import { WaitQueue } from "./wait-queue.ts";

/**
 * Work that runs later in a task of its own, one piece after the other, in the order in which it was queued: where a
 * completion handler, which cannot sleep, leaves what may sleep. @see alloc_ordered_workqueue
 */
export class Workqueue {
  readonly #simulation: Simulation;
  readonly #name: string;
  readonly #pending: (() => Process)[] = [];
  readonly #arrival: WaitQueue;
  #started = false;

  /** @param name of the task that does the work. */
  constructor(simulation: Simulation, name: string) {
    this.#simulation = simulation;
    this.#name = name;
    this.#arrival = new WaitQueue(simulation, `work for ${name}`);
  }

  /** Has the worker run `work` later. Works in atomic context. @see queue_work */
  queue(work: () => Process): void {
    this.#pending.push(work);
    if (this.#started) this.#arrival.wakeOne();
    else {
      this.#started = true;
      this.#simulation.spawn(this.#name, this.#run(), { daemon: true });
    }
  }

  *#run(): Process {
    for (;;) {
      yield* this.#arrival.waitUntil(() => this.#pending.length > 0);
      yield* (this.#pending.shift() as () => Process)();
    }
  }
}
