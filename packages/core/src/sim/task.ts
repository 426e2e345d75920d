// SPDX-License-Identifier: MIT
import type { Process, Suspension, Waitable } from "./process.ts";
import { schedProcessWait } from "./sched-trace.ts";
import type { Trace } from "./trace.ts";

/** A CPU thread's timeline: it runs one process from beginning to end. */
export interface Task<T = unknown> {
  /** The name it was spawned with; it stands in front of its errors. */
  readonly name: string;
  /** Id of its timeline in the trace. */
  readonly timeline: number;
  /** Whether its process has returned or failed. */
  readonly done: boolean;
  /** What its process returned; throws `TypeError` before that, and the error it failed with. */
  readonly result: T;
  /** CPU time in ns that plain functions charged to it, see `Simulation.charge`. */
  readonly charged: number;
  /** Waits for its end: its result, or its error thrown here instead of failing the run. */
  join(): Process<T>;
  /** Sends it a signal: a blocked interruptible wait ends at once, else the next one does. @see signal_pending */
  interrupt(): void;
}

/** What a thread needs from the scheduler. */
export interface ThreadScheduler {
  readonly trace: Trace;
  running(operation: string): Thread<unknown>;
  block(on: Waitable): Process<unknown>;
  interrupt(thread: Thread<unknown>): void;
  process<T>(name: string, process: Process<T>): Process<T>;
}

/** Where a thread stands. */
export type ThreadState = "ready" | "running" | "sleeping" | "blocked" | "done" | "failed";

/** A task as the scheduler sees it. */
export class Thread<T> implements Task<T>, Waitable {
  readonly name: string;
  readonly timeline: number;
  readonly slot: number;
  readonly daemon: boolean;
  readonly generator: Generator<Suspension, T, void>;
  state: ThreadState = "ready";
  /** What it is blocked on, and since when. */
  blockedOn: Waitable | null = null;
  blockedSince = 0;
  /** How long the next block may last, and whether a signal ends it. */
  timeout = Number.POSITIVE_INFINITY;
  interruptible = false;
  timedOut = false;
  interrupted = false;
  signalPending = false;
  /** The event that made it runnable. */
  trigger: number;
  /** It owes CPU time up to here before it can go on. */
  busyUntil = 0;
  charged = 0;
  readonly joiners: Thread<unknown>[] = [];
  readonly #scheduler: ThreadScheduler;
  #value: T | undefined;
  #error: unknown;

  constructor(
    scheduler: ThreadScheduler,
    generator: Generator<Suspension, T, void>,
    name: string,
    timeline: number,
    slot: number,
    daemon: boolean,
    trigger: number,
  ) {
    this.#scheduler = scheduler;
    this.generator = generator;
    this.name = name;
    this.timeline = timeline;
    this.slot = slot;
    this.daemon = daemon;
    this.trigger = trigger;
  }

  get done(): boolean {
    return this.state === "done" || this.state === "failed";
  }

  get result(): T {
    if (this.state === "failed") throw this.#error;
    if (this.state !== "done") throw new TypeError(`task ${this.name} has no result yet`);
    return this.#value as T;
  }

  finish(value: T): void {
    this.state = "done";
    this.#value = value;
  }

  fail(error: unknown): void {
    this.state = "failed";
    this.#error = error;
  }

  describe(): string {
    return `the end of task ${this.name}`;
  }

  heldBy(): string {
    return this.name;
  }

  join(): Process<T> {
    return this.#scheduler.process(`join ${this.name}`, this.#join());
  }

  *#join(): Process<T> {
    const joiner = this.#scheduler.running("join");
    while (!this.done) {
      this.joiners.push(joiner);
      yield* this.#scheduler.block(this);
    }
    const { trace } = this.#scheduler;
    if (trace.wants(schedProcessWait)) trace.emit(schedProcessWait, trace.intern(this.name), this.timeline);
    return this.result;
  }

  interrupt(): void {
    this.#scheduler.interrupt(this);
  }
}
