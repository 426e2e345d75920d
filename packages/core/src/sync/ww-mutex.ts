// SPDX-License-Identifier: MIT
import type { Process, Waitable } from "../sim/process.ts";
import type { WwAcquire } from "./ww-acquire.ts";
import type { WwClass, WwLockOptions, WwResult } from "./ww-class.ts";

/** A wound/wait mutex of a class of one's own, such as a display driver's state locks. @see struct ww_mutex */
export class WwMutex implements Waitable {
  readonly #class: WwClass;
  readonly #index: number;
  readonly #name: string;

  /** Makes a free lock of the class; `name` is for messages. @see ww_mutex_init */
  constructor(wwClass: WwClass, name: string) {
    this.#class = wwClass;
    this.#index = wwClass.create();
    this.#name = name;
  }

  /** What a task waits for that waits for it. */
  describe(): string {
    return `the lock ${this.#name}`;
  }

  /** The timeline that has it, or null. */
  heldBy(): string | null {
    return this.#class.ownerName(this.#index);
  }

  /** Whether anybody has it. */
  get isLocked(): boolean {
    return this.#class.isLocked(this.#index);
  }

  /**
   * Takes it, in a context or without; what it returns unlocks. Throws `KernelError` EDEADLK, EALREADY in a context,
   * EINTR when interruptible. @see ww_mutex_lock
   */
  lock(options: WwLockOptions = {}): Process<Disposable> {
    return this.#class.simulation.process("ww_mutex_lock", this.#lock(options));
  }

  /** Takes it after EDEADLK, with nothing else held. @see ww_mutex_lock_slow */
  lockSlow(context: WwAcquire, options: { readonly interruptible?: boolean } = {}): Process<Disposable> {
    return this.lock({ ...options, context, slow: true });
  }

  *#lock(options: WwLockOptions): Process<Disposable> {
    yield* this.#class.lock(this.#index, this, options);
    return { [Symbol.dispose]: () => this.unlock() };
  }

  /** As `lock` and `lockSlow`, with the outcome returned instead of thrown: the caller unlocks. */
  acquire(options: WwLockOptions = {}): Process<WwResult> {
    const { simulation } = this.#class;
    return simulation.process("ww_mutex_lock", this.#class.acquire(this.#index, this, options));
  }

  /** Takes it if it is free. @see ww_mutex_trylock */
  trylock(context: WwAcquire | null = null): boolean {
    return this.#class.trylock(this.#index, context);
  }

  /** Gives it back; BUG unless the running task has it. @see ww_mutex_unlock */
  unlock(): void {
    this.#class.unlock(this.#index, this.#name);
  }
}
