// SPDX-License-Identifier: MIT

/** Something a task can be blocked on; the deadlock report is written from it. */
export interface Waitable {
  /** What the task waits for, as in `fence usb0 ep1in seq 3`. */
  describe(): string;
  /** The name of the timeline that must act first (a lock's owner), or null when nobody in particular must. */
  heldBy?(): string | null;
}

/**
 * What a process yields: a delay in ns, or the thing it is blocked on until somebody wakes its task. The latter comes
 * only from `yield* simulation.block(...)`, on which everything that waits is built.
 */
export type Suspension = number | Waitable;

/**
 * A function that may sleep, in the making: it runs only inside a task, called with `yield*`. A function of the model is
 * a process exactly when the kernel's may sleep; what must work in atomic context is a plain function.
 */
export type Process<T = void> = Generator<Suspension, T, void>;

/** A process that was made and not run yet. Being iterated, which is what `yield*` does first, strikes it off. */
class MadeProcess<T> implements Generator<Suspension, T, void> {
  readonly [Symbol.toStringTag] = "Process";
  readonly name: string;
  readonly maker: string;
  readonly #ledger: ProcessLedger;
  readonly #process: Process<T>;

  constructor(name: string, maker: string, ledger: ProcessLedger, process: Process<T>) {
    this.name = name;
    this.maker = maker;
    this.#ledger = ledger;
    this.#process = process;
  }

  /** The bare generator, so that a started process costs no more than one that was never tracked. */
  [Symbol.iterator](): Process<T> {
    this.#ledger.strike(this);
    return this.#process;
  }

  next(): IteratorResult<Suspension, T> {
    return this[Symbol.iterator]().next();
  }

  return(value: T): IteratorResult<Suspension, T> {
    return this[Symbol.iterator]().return(value);
  }

  throw(error: unknown): IteratorResult<Suspension, T> {
    return this[Symbol.iterator]().throw(error);
  }

  [Symbol.dispose](): void {
    this.#ledger.strike(this);
  }
}

/**
 * Remembers which processes were made and not started. `yield* f()` starts what it has just made, so the ledger is a
 * stack whose top is struck off at once: a push, a compare and a pop a call.
 */
export class ProcessLedger {
  readonly #made: MadeProcess<unknown>[] = [];

  /** Hands back `process` so that forgetting to run it is noticed. `name` is the function's, `maker` its caller's. */
  track<T>(name: string, maker: string, process: Process<T>): Process<T> {
    const made = new MadeProcess(name, maker, this, process);
    this.#made.push(made);
    return made;
  }

  /** Notes that a process was started; one that is not in the ledger is ignored. */
  strike(process: unknown): void {
    const made: readonly unknown[] = this.#made;
    if (made[made.length - 1] === process) this.#made.pop();
    else {
      const at = made.lastIndexOf(process);
      if (at >= 0) this.#made.splice(at, 1);
    }
  }

  /** The processes that were made and never started, as `function (task)`, each once; the ledger is empty afterwards. */
  takeForgotten(): readonly string[] {
    const forgotten = this.#made.splice(0);
    return [...new Set(forgotten.map(({ name, maker }) => `${name} (in ${maker})`))];
  }
}
