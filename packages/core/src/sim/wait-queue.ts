// SPDX-License-Identifier: MIT
import { KernelError } from "../error.ts";
import type { BlockOptions, Wakeup } from "./block.ts";
import type { Process, Waitable } from "./process.ts";
import { waitQueuePass, waitQueueWake } from "./sched-trace.ts";
import type { Simulation } from "./simulation.ts";
import type { Task } from "./task.ts";

/** Tasks that wait for a condition, woken in the order in which they came. @see wait_queue_head_t */
export class WaitQueue implements Waitable {
  /** What is waited for here, as in `work for the endpoint`. */
  readonly name: string;
  readonly #simulation: Simulation;
  readonly #id: number;
  #waiting: Task[] = [];

  constructor(simulation: Simulation, name: string) {
    this.#simulation = simulation;
    this.name = name;
    this.#id = simulation.waitQueueId();
  }

  /** Number of tasks that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  describe(): string {
    return this.name;
  }

  /**
   * Waits until `condition` holds; it is asked at once and after every wake-up. True when it holds, false when the
   * timeout passed first. Throws `KernelError` EINTR when the wait is interruptible and a signal comes.
   * @see wait_event_timeout
   */
  waitUntil(condition: () => boolean, options: BlockOptions = {}): Process<boolean> {
    return this.#simulation.process(`wait for ${this.name}`, this.#waitUntil(condition, options));
  }

  *#waitUntil(condition: () => boolean, options: BlockOptions): Process<boolean> {
    const task = this.#simulation.running("wait_event");
    const { timeout = Number.POSITIVE_INFINITY, interruptible = false } = options;
    const deadline = this.#simulation.now + timeout;
    let wakeup: Wakeup = timeout > 0 ? "woken" : "timed-out";
    // The condition is asked last: one that holds in the very moment of the timeout or the signal wins.
    while (!condition()) {
      if (wakeup === "timed-out") return false;
      if (wakeup === "interrupted") {
        throw new KernelError("EINTR", "wait_event", `interrupted while waiting for ${this.name}`);
      }
      this.#waiting.push(task);
      wakeup = yield* this.#simulation.block(this, {
        timeout: deadline - this.#simulation.now,
        interruptible,
      });
      if (wakeup !== "woken") this.#waiting = this.#waiting.filter((waiting) => waiting !== task);
    }
    this.#emit(waitQueuePass);
    return true;
  }

  /** Wakes the task that waits longest; false when none does. Works in atomic context. @see wake_up */
  wakeOne(): boolean {
    this.#emit(waitQueueWake);
    // One that a signal has woken already does not use up the wake-up.
    for (let task = this.#waiting.shift(); task !== undefined; task = this.#waiting.shift()) {
      if (this.#simulation.wake(task)) return true;
    }
    return false;
  }

  /** Wakes every task that waits now; how many that were. Works in atomic context. @see wake_up_all */
  wakeAll(): number {
    this.#emit(waitQueueWake);
    const tasks = this.#waiting.splice(0);
    for (const task of tasks) this.#simulation.wake(task);
    return tasks.length;
  }

  /** What woke a task may come long before it looks: these events say who saw whose doing. */
  #emit(point: typeof waitQueueWake | typeof waitQueuePass): void {
    const { trace } = this.#simulation;
    if (trace.wants(point)) trace.emit(point, this.#id, trace.intern(this.name));
  }
}
