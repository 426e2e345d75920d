// SPDX-License-Identifier: MIT
import type { BecauseEvent } from "../finding.ts";
import { type Taking, takes } from "./lock-class.ts";

/** A lock that is being taken, or that a timeline has. */
export interface HeldLock extends Taking {
  /** Which object of the class; -1 for what is no lock. */
  readonly address: number;
  /** The acquire context that it was taken in, or -1. */
  readonly context: number;
  /** Tried, without waiting. */
  readonly tried: boolean;
  readonly atomic: boolean;
  readonly timeline: string;
  /** ns */
  readonly time: number;
  /** `system:name` of the event. */
  readonly event: string;
}

/** One lock as an event of a chain of causes. */
export const becauseOf = (lock: HeldLock): BecauseEvent => ({
  time: lock.time,
  timeline: lock.timeline,
  event: lock.event,
  text: takes(lock),
});

/** What each timeline has, in the order in which it took it. */
export class HeldLocks {
  readonly #stacks = new Map<number, HeldLock[]>();

  /** The stack of a timeline, oldest first. */
  of(timeline: number): readonly HeldLock[] {
    return this.#stacks.get(timeline) ?? [];
  }

  push(timeline: number, lock: HeldLock): void {
    const stack = this.#stacks.get(timeline);
    if (stack === undefined) this.#stacks.set(timeline, [lock]);
    else stack.push(lock);
  }

  /** Takes the newest of that class and object off the stack. */
  release(timeline: number, name: string, address: number): void {
    const stack = this.#stacks.get(timeline);
    const at = stack?.findLastIndex((lock) => lock.name === name && lock.address === address) ?? -1;
    if (at >= 0) stack?.splice(at, 1);
  }

  /** Every lock that somebody still has, with its timeline. */
  *all(): Generator<[timeline: number, lock: HeldLock], void, void> {
    for (const [timeline, stack] of this.#stacks) for (const lock of stack) yield [timeline, lock];
  }
}
