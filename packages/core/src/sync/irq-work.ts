// SPDX-License-Identifier: MIT
import type { Simulation } from "../sim/simulation.ts";
import type { Timer } from "../sim/timer.ts";
import type { FenceId } from "./fence-callback.ts";

/** What is left to do for a fence; runs in atomic context. */
export type FenceWork = (fence: FenceId) => void;

/**
 * Work that a fence's callback leaves for later, because the callback runs with a lock held: at the same virtual time, in
 * atomic context, on a timeline of its own, one piece after the other. @see irq_work_queue
 */
export class IrqWork {
  readonly #simulation: Simulation;
  readonly #pending: { readonly work: FenceWork; readonly fence: FenceId; readonly trigger: number }[] = [];
  #timer: Timer | undefined;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** Has `work(fence)` run. The caller holds a reference for it. */
  queue(work: FenceWork, fence: FenceId): void {
    const simulation = this.#simulation;
    this.#pending.push({ work, fence, trigger: simulation.trace.context });
    this.#timer ??= simulation.timer(() => this.#run(), simulation.trace.addTimeline("irq_work"));
    if (!this.#timer.armed) this.#timer.arm(0);
  }

  #run(): void {
    const next = this.#pending.shift();
    const timer = this.#timer as Timer;
    if (next === undefined) return;
    // One timer serves everybody, so the cause is that of the piece, not of the first one that armed it.
    this.#simulation.trace.enter(timer.timeline, next.trigger);
    next.work(next.fence);
    if (this.#pending.length > 0 && !timer.armed) timer.arm(0);
  }
}
