// SPDX-License-Identifier: MIT
import type { WwClass } from "./ww-class.ts";

/**
 * An acquire context: several locks of a class taken by one task in any order without deadlock, because the class knows
 * which of two contexts is older. Made by `WwClass.acquireInit` or `ResvPool.acquireInit`; `using` ends it.
 * @see struct ww_acquire_ctx
 */
export class WwAcquire implements Disposable {
  /** The class whose locks it takes. */
  readonly class: WwClass;
  readonly #claim: number;
  #done = false;
  #finished = false;

  /** Called by the class. */
  constructor(wwClass: WwClass, claim: number) {
    this.class = wwClass;
    this.#claim = claim;
  }

  /** Its index in the class's machine. Throws `TypeError` after `fini`. */
  get claim(): number {
    if (this.#finished) throw new TypeError("ww_acquire_ctx: used after ww_acquire_fini (R-8)");
    return this.#claim;
  }

  /** Its age: the older one of two has the lower stamp, and its way. */
  get stamp(): number {
    return this.class.machine.stamp(this.claim);
  }

  /** Number of locks that it holds. */
  get acquired(): number {
    return this.class.machine.acquired(this.claim);
  }

  /** Whether `done` was called. */
  get isDone(): boolean {
    return this.#done;
  }

  /** Says that it takes no more locks; WARN when said twice, and for each lock claimed afterwards. @see ww_acquire_done */
  done(): void {
    if (this.#done) this.#warn("ww_acquire_done", "called twice");
    this.#done = true;
  }

  /** Ends it; WARN while it holds locks. @see ww_acquire_fini */
  fini(): void {
    const { acquired } = this;
    if (acquired > 0) this.#warn("ww_acquire_fini", `${acquired} locks are still held`);
    this.class.acquireFini(this.claim);
    this.#finished = true;
  }

  [Symbol.dispose](): void {
    if (!this.#finished) this.fini();
  }

  #warn(operation: string, text: string): void {
    this.class.simulation.diagnostics.warn("R-8", operation, text);
  }
}
