// SPDX-License-Identifier: MIT
import type { Simulation } from "../sim/simulation.ts";
import type { StringId } from "../sim/tracepoint.ts";
import { LockFlag, lockMapAcquire, lockMapRelease } from "./lock-trace.ts";

/** How a trace knows the empty string, before all others. */
const NO_NAME = 0 as StringId;

/**
 * A lock that the model does not have but that drivers take, or a state that has a place in the order of locks: `mmap_lock`,
 * a shrinker, an MMU notifier. It excludes nobody; the lock checker sees it. When nobody listens to the trace it
 * costs a test of two flags. @see struct lockdep_map
 */
export class LockMap {
  /** Its class, as in the kernel: `"mmap_lock"`. */
  readonly name: string;
  readonly #simulation: Simulation;

  constructor(simulation: Simulation, name: string) {
    this.#simulation = simulation;
    this.name = name;
  }

  /** Says that it is held from here to `release`, or shared when `read`; what it returns releases it at the end of a `using`. */
  acquire(options: { readonly read?: boolean } = {}): Disposable {
    emitLockMap(this.#simulation, this.name, options.read === true ? LockFlag.read : 0, true);
    return { [Symbol.dispose]: () => this.release() };
  }

  /** Says that it is not held any more. */
  release(): void {
    const { trace } = this.#simulation;
    if (trace.wants(lockMapRelease)) trace.emit(lockMapRelease, trace.intern(this.name));
  }

  /** Says that it may be taken here, now or another time. @see might_lock */
  might(): void {
    emitLockMap(this.#simulation, this.name, 0, false);
  }
}

/** Writes that a pseudo lock is taken, for `LockMap` and for signalling sections. */
export function emitLockMap(
  { trace, atomic }: Simulation,
  name: string,
  flags: number,
  held: boolean,
  object = NO_NAME,
): void {
  if (!trace.wants(lockMapAcquire)) return;
  const all = flags + (atomic ? LockFlag.atomic : 0);
  trace.emit(lockMapAcquire, all, trace.intern(name), held ? 1 : 0, object);
}
