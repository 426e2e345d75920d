// SPDX-License-Identifier: MIT
import { dmaBufPut } from "../../buffer/buffer-trace.ts";
import type { Trace, TraceEvent } from "../../sim/trace.ts";
import { lockAcquired, lockRelease } from "../../sync/dma-resv-trace.ts";
import { LockFlag, lockAcquire, lockMapAcquire, lockMapRelease, NO_CONTEXT } from "../../sync/lock-trace.ts";
import { type Finding, finding } from "../finding.ts";
import { becauseOf, type HeldLock, HeldLocks } from "./held-lock.ts";
import { isSpinlock, LockClass, primedOrder, takes } from "./lock-class.ts";
import { LockGraph } from "./lock-graph.ts";
import { type LockReport, lockFinding } from "./lock-report.ts";

/**
 * The idea of Linux's lock checker, on events alone: the order in which classes of locks are taken is learned from all
 * tasks, beginning with the order that Linux has taught (L-1 to L-6, L-16), and whatever would close a circle is found,
 * although this run came through. Reservation locks among themselves need a common acquire context (L-7). What Linux
 * sees only when it is built with PROVE_LOCKING, and then stops looking after the first, is seen in every run.
 *
 * As there, trying a lock orders nothing before it, and beginning to signal waits for nobody: only what is taken inside
 * the section counts.
 */
export class LockChecker {
  readonly #graph = new LockGraph(primedOrder);
  readonly #held = new HeldLocks();
  /** What each timeline is about to have. */
  readonly #taking = new Map<number, HeldLock>();
  readonly #reports = new Map<string, LockReport>();

  constructor(trace: Trace) {
    trace.subscribe(lockAcquire, (event) => this.#take(event.timeline, lockOf(event)));
    trace.subscribe(lockAcquired, (event) => {
      const name = event.text("name");
      const address = event.get("lockdep_addr");
      const taking = this.#taking.get(event.timeline);
      const known = taking?.name === name && taking.address === address ? taking : lockOf(event);
      this.#held.push(event.timeline, known);
    });
    trace.subscribe(lockRelease, (event) =>
      this.#held.release(event.timeline, event.text("name"), event.get("lockdep_addr")),
    );
    trace.subscribe(lockMapAcquire, (event) => {
      const passes = event.get("held") === 0 && (event.get("flags") & LockFlag.atomic) === 0;
      if (passes && this.#held.of(event.timeline).length === 0) return;
      const lock = mapOf(event);
      this.#take(event.timeline, lock);
      if (event.get("held") === 1) this.#held.push(event.timeline, lock);
    });
    trace.subscribe(lockMapRelease, (event) => this.#held.release(event.timeline, event.text("name"), -1));
    trace.subscribe(dmaBufPut, (event) => this.#put(event));
  }

  /** What it found, in the order of first occurrence. */
  findings(): readonly Finding[] {
    return [...this.#reports.values()].map((report) => lockFinding(report, this.#graph));
  }

  /** Locks that are held although nobody is left who could give them back. @param blocked timelines that still wait */
  leaks(blocked: readonly number[], time: number): readonly Finding[] {
    const left = [...this.#held.all()].filter(([timeline]) => !blocked.includes(timeline));
    return left.map(([, lock]) => {
      const message = `${takes(lock)}, and that never ends`;
      return finding("leak", message, { stage: lock.timeline, time, because: [becauseOf(lock)] });
    });
  }

  #take(timeline: number, lock: HeldLock): void {
    this.#taking.set(timeline, lock);
    const stack = this.#held.of(timeline);
    const sleeps = !isSpinlock(lock.name) && !(lock.name === LockClass.fence && lock.read);
    const spinlock = stack.find(({ name }) => isSpinlock(name));
    if (sleeps && (lock.atomic || spinlock !== undefined)) {
      this.#report("atomic", spinlock ?? null, lock, stack);
      return;
    }
    // The class of a spinlock here orders nothing: it is released before anybody could wait for it.
    if (isSpinlock(lock.name) || lock.tried || (lock.name === LockClass.fence && lock.read)) return;
    for (const held of stack) {
      if (isSpinlock(held.name)) continue;
      if (held.name === lock.name && this.#mayNest(held, lock)) continue;
      this.#order(held, lock, stack);
    }
  }

  /** Locks of one context may nest in any order: it backs off. And who reclaims allocates from what is set aside. */
  #mayNest(held: HeldLock, lock: HeldLock): boolean {
    if (lock.name === LockClass.reclaim || lock.name === LockClass.notifier) return true;
    return held.context !== NO_CONTEXT && held.context === lock.context;
  }

  #order(held: HeldLock, lock: HeldLock, stack: readonly HeldLock[]): void {
    const known = held.name !== lock.name && this.#graph.knows(held.name, lock.name);
    if (known && lock.name !== LockClass.fence) return;
    const from = stack.slice(stack.indexOf(held));
    const edge = { held: held.name, taken: lock.name, stack: [...from, lock] };
    if (known) this.#graph.see(edge);
    else if (this.#graph.add(edge) !== null) this.#report("order", held, lock, from);
  }

  /** The last reference of a buffer ends its reservation, which must not be held then (B-13, L-11). */
  #put(event: TraceEvent): void {
    const object = `dma-buf ${event.get("ino")}`;
    const stack = this.#held.of(event.timeline);
    const held = stack.find((lock) => lock.name === LockClass.resv && lock.object === object);
    if (held === undefined) return;
    const { time, timelineName: timeline } = event;
    const put = { ...held, time, timeline, event: "dma_buf:dma_buf_put" };
    this.#report("put", held, put, [held]);
  }

  #report(kind: LockReport["kind"], held: HeldLock | null, lock: HeldLock, stack: readonly HeldLock[]): void {
    const key = JSON.stringify([kind, lock.timeline, held?.name, lock.name]);
    const known = this.#reports.get(key);
    if (known === undefined) this.#reports.set(key, { kind, held, lock, stack: [...stack], count: 1 });
    else known.count++;
  }
}

function lockOf(event: TraceEvent): HeldLock {
  const told = event.point === lockAcquire;
  const flags = told ? event.get("flags") : 0;
  return {
    name: event.text("name"),
    object: told ? event.text("object") : "",
    address: event.get("lockdep_addr"),
    context: told ? event.get("nest_lock") : NO_CONTEXT,
    ...common(event, flags),
  };
}

const mapOf = (event: TraceEvent<typeof lockMapAcquire.fields>): HeldLock => ({
  name: event.text("name"),
  object: event.text("object"),
  address: -1,
  context: NO_CONTEXT,
  ...common(event as unknown as TraceEvent, event.get("flags")),
});

const common = (event: TraceEvent, flags: number) => ({
  tried: (flags & LockFlag.try) !== 0,
  read: (flags & LockFlag.read) !== 0,
  atomic: (flags & LockFlag.atomic) !== 0,
  timeline: event.timelineName,
  time: event.time,
  event: `${event.point.system}:${event.point.name}`,
});
