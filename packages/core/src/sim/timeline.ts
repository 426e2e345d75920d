// SPDX-License-Identifier: MIT
import type { Simulation } from "./simulation.ts";
import type { Timer } from "./timer.ts";

/** Work for an engine. */
export interface EngineJob {
  /** How long it takes in ns, or a function that says so when it starts; `Infinity` runs until it is cancelled. */
  readonly duration: number | (() => number);
  /** Runs in atomic context when the engine begins with it. */
  start?(): void;
  /** Runs in atomic context when the engine is done with it: the completion interrupt. Not after a cancel. */
  complete(): void;
}

/** A submitted job: which one, and the event that submitted it. */
interface Submitted {
  readonly id: number;
  readonly job: EngineJob;
  readonly trigger: number;
}

/**
 * An engine (a DMA channel, a USB controller) with a timeline of its own: it runs the jobs given to it one after the
 * other, in order. It begins after whoever submitted has gone on, as hardware does, never inside `submit`.
 */
export class Timeline {
  /** The engine's name. */
  readonly name: string;
  /** Id of its timeline in the trace. */
  readonly id: number;
  readonly #simulation: Simulation;
  readonly #timer: Timer;
  readonly #queue: Submitted[] = [];
  #current: Submitted | undefined;
  #busyUntil = 0;
  #submitted = 0;

  constructor(simulation: Simulation, name: string) {
    this.#simulation = simulation;
    this.name = name;
    this.id = simulation.trace.addTimeline(name);
    this.#timer = simulation.timer(() => this.#step(), this.id);
  }

  /** Whether it has nothing to do. */
  get idle(): boolean {
    return this.#current === undefined && this.#queue.length === 0;
  }

  /** Number of jobs submitted and not done. */
  get pending(): number {
    return this.#queue.length + (this.#current === undefined ? 0 : 1);
  }

  /** When the running job ends, in ns; `Infinity` for one that must be cancelled, past or now when none runs. */
  get busyUntil(): number {
    return this.#busyUntil;
  }

  /** Gives it a job and returns the job's number. Works in atomic context. */
  submit(job: EngineJob): number {
    const id = this.#submitted++;
    this.#queue.push({ id, job, trigger: this.#simulation.trace.context });
    if (this.#current === undefined && !this.#timer.armed) this.#timer.arm(0);
    return id;
  }

  /** Takes a job back, running or not; its `complete` is not called. False when it is done already. */
  cancel(id: number): boolean {
    if (this.#current?.id === id) {
      this.#current = undefined;
      this.#busyUntil = this.#simulation.now;
      this.#timer.cancel();
      if (this.#queue.length > 0) this.#timer.arm(0);
      return true;
    }
    const at = this.#queue.findIndex((submitted) => submitted.id === id);
    if (at >= 0) this.#queue.splice(at, 1);
    return at >= 0;
  }

  #step(): void {
    const done = this.#current;
    if (done !== undefined) {
      this.#current = undefined;
      done.job.complete();
    }
    // A completion may submit or cancel, and so may a start.
    if (this.#current === undefined) this.#begin();
  }

  #begin(): void {
    const next = this.#queue.shift();
    if (next === undefined) return;
    const { trace } = this.#simulation;
    this.#timer.cancel();
    this.#current = next;
    trace.enter(this.id, next.trigger);
    next.job.start?.();
    if (this.#current !== next) return;
    const { duration } = next.job;
    const ns = typeof duration === "number" ? duration : duration();
    if (!(ns >= 0)) throw new TypeError(`a job cannot take ${ns} ns`);
    this.#busyUntil = this.#simulation.now + ns;
    this.#timer.arm(ns);
  }
}
