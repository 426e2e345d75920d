// SPDX-License-Identifier: MIT
import { KernelError } from "../error.ts";
import type { Process, Waitable } from "../sim/process.ts";
import type { Simulation } from "../sim/simulation.ts";
import type { Task } from "../sim/task.ts";

const FREE = -1;

/**
 * The sleeping locks of the reservation objects, each known by an index: 4 bytes a lock, and something more only while
 * somebody waits. The owner is a timeline; waiters are served in the order in which they came, and the lock is handed
 * over at unlock, so that nobody starves. Acquire contexts do not exist: every acquisition is one without (R-5, G.3).
 */
export class WwMutexes {
  readonly #simulation: Simulation;
  readonly #waiters = new Map<number, Task[]>();
  #owners = new Int32Array(16).fill(FREE);

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** Makes the lock `index` usable, free. */
  init(index: number): void {
    if (index >= this.#owners.length) {
      const owners = new Int32Array(Math.max(index + 1, 2 * this.#owners.length)).fill(FREE);
      owners.set(this.#owners);
      this.#owners = owners;
    }
    this.#owners[index] = FREE;
  }

  /** Whether anybody has it. */
  isLocked(index: number): boolean {
    return this.#owners[index] !== FREE;
  }

  /** Whether the running timeline has it. */
  isHeld(index: number): boolean {
    return this.#owners[index] === this.#simulation.trace.timeline;
  }

  /** The name of the timeline that has it, or null. */
  ownerName(index: number): string | null {
    return this.isLocked(index) ? this.#simulation.trace.timelineName(this.#owners[index] as number) : null;
  }

  /** Takes the lock when it is free, whoever holds it now: false for one's own too. BUG in atomic context. */
  trylock(index: number): boolean {
    if (this.#simulation.atomic) {
      this.#simulation.diagnostics.bug("R-10", "dma_resv_trylock", "a sleeping lock taken in atomic context");
    }
    if (this.isLocked(index)) return false;
    this.#owners[index] = this.#simulation.trace.timeline;
    return true;
  }

  /**
   * Takes the lock, waiting for it if need be. Taking one's own again waits for ever, after a WARN. Throws
   * `KernelError` EINTR when the wait is interruptible and a signal comes.
   */
  *lock(index: number, waitable: Waitable, interruptible: boolean): Process {
    const task = this.#simulation.running("dma_resv_lock");
    if (!this.isLocked(index)) {
      this.#owners[index] = task.timeline;
      return;
    }
    if (this.isHeld(index)) {
      this.#simulation.diagnostics.warn(
        "R-5",
        "dma_resv_lock",
        `${waitable.describe()} is held by the same task`,
      );
    }
    const waiters = this.#waiters.get(index);
    if (waiters === undefined) this.#waiters.set(index, [task]);
    else waiters.push(task);
    // Waking does not mean owning: the wake-up may be a stale one, and an interrupt may come just after the hand-over.
    for (;;) {
      const wakeup = yield* this.#simulation.block(waitable, { interruptible });
      if (this.isHeld(index) && this.#waiters.get(index)?.includes(task) !== true) return;
      if (wakeup !== "interrupted") continue;
      const left = (this.#waiters.get(index) ?? []).filter((waiting) => waiting !== task);
      this.#waiters.set(index, left);
      throw new KernelError("EINTR", "dma_resv_lock_interruptible", `interrupted: ${waitable.describe()}`);
    }
  }

  /** Gives the lock back, to the task that waits longest if one does. BUG when the running timeline has it not. */
  unlock(index: number, name: string): void {
    if (!this.isHeld(index)) {
      const owner = this.ownerName(index) ?? "nobody";
      this.#simulation.diagnostics.bug("R-9", "dma_resv_unlock", `${name} is held by ${owner}`);
    }
    const waiters = this.#waiters.get(index);
    const next = waiters?.shift();
    if (waiters?.length === 0) this.#waiters.delete(index);
    this.#owners[index] = next?.timeline ?? FREE;
    if (next !== undefined) this.#simulation.wake(next);
  }
}
