// SPDX-License-Identifier: MIT
import { KernelError } from "../error.ts";
import { type BlockOptions, block, type Wakeup } from "./block.ts";
import { Clock } from "./clock.ts";
import { Diagnostics } from "./diagnostic.ts";
import { EventQueue } from "./event-queue.ts";
import { LivelockWatch } from "./livelock-watch.ts";
import { named } from "./named-error.ts";
import { type Process, ProcessLedger, type Suspension, type Waitable } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";
import { type BusyTask, blockedTasks, type RunReport } from "./simulation-report.ts";
import { type Task, Thread, type ThreadScheduler } from "./task.ts";
import { Timer, type TimerScheduler } from "./timer.ts";
import { Trace } from "./trace.ts";

/** How a simulation runs. */
export interface SimulationOptions {
  /** Who runs next when several are due; default whoever came first. */
  readonly scheduler?: Scheduler;
}

/**
 * A simulation: virtual time, the tasks and timers that run in it, its trace and its diagnostics. Everything happens
 * inside `run`, one thing after the other; what is due at the same time runs in the order in which it became due, or as
 * the scheduler chooses, so that the same program and the same choices give the same run.
 */
export class Simulation implements ThreadScheduler, TimerScheduler {
  readonly #clock = new Clock();
  /** The events of this simulation. */
  readonly trace: Trace = new Trace(this.#clock);
  /** What the kernel would have complained about. */
  readonly diagnostics: Diagnostics = new Diagnostics(this.trace, () => this.#clock.now);
  readonly #queue = new EventQueue();
  readonly #scheduler: Scheduler | null;
  readonly #slots: (Thread<unknown> | Timer | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #threads = new Set<Thread<unknown>>();
  readonly #ledger = new ProcessLedger();
  readonly #interrupts = this.trace.addTimeline("timer");
  #waitQueues = 0;
  /** Counts what comes of somebody's running. */
  #doings = 0;
  #current: Thread<unknown> | undefined;
  #atomic = false;
  #running = false;

  constructor(options: SimulationOptions = {}) {
    this.#scheduler = options.scheduler ?? null;
  }

  /** Virtual time in ns. */
  get now(): number {
    return this.#clock.now;
  }

  /** The task that runs now; undefined in atomic context (a timer, an engine) and outside `run`. */
  get current(): Task | undefined {
    return this.#current;
  }

  /** Whether a timer's or an engine's callback runs now: nothing may sleep or take a sleeping lock. */
  get atomic(): boolean {
    return this.#atomic;
  }

  /**
   * Makes a task that runs `process` from the current time on. A daemon (a worker waiting for work) may be left blocked
   * at the end of a run without that being a deadlock.
   */
  spawn<T>(name: string, process: Process<T>, options: { readonly daemon?: boolean } = {}): Task<T> {
    const thread = new Thread(
      this,
      process[Symbol.iterator](),
      name,
      this.trace.addTimeline(name),
      this.#takeSlot(),
      options.daemon ?? false,
      this.trace.context,
    );
    this.#slots[thread.slot] = thread;
    this.#threads.add(thread);
    this.#doings++;
    this.#queue.schedule(thread.slot, this.now);
    return thread;
  }

  /**
   * Runs until nothing is due any more, or nothing up to and including `until` (ns). An error that a task throws and
   * nobody joins ends the run with the task's name in front. When nothing is due any more, throws `TypeError` for
   * processes that were made and never run, naming the functions: that is a forgotten `yield*`.
   *
   * With `livelock` it also ends after so many steps of tasks in a row of which nothing came: no event was written, nobody
   * was spawned, woken or interrupted, nobody ended, no timer or engine ran. Count it well above what a program may sleep
   * through; default never.
   */
  run(options: { readonly until?: number; readonly livelock?: number } = {}): RunReport {
    if (this.#running) throw new TypeError("a simulation cannot run inside its own run");
    const until = options.until ?? Number.POSITIVE_INFINITY;
    const watch = options.livelock === undefined ? null : new LivelockWatch(options.livelock);
    let livelock: readonly BusyTask[] | null = null;
    this.#running = true;
    try {
      while (this.#queue.nextTime <= until && this.#queue.size > 0) {
        const due =
          this.#slots[this.#scheduler === null ? this.#first() : this.#chosen(this.#scheduler, until)];
        if (due instanceof Thread) {
          const { name } = due;
          this.#resume(due);
          if (watch?.isReached(name, this.#doings + this.trace.ring.next)) {
            livelock = watch.busiest;
            break;
          }
        } else this.#expire(due as Timer);
      }
    } catch (error) {
      // What the failed task had made and not run yet is nobody's mistake.
      this.#ledger.takeForgotten();
      throw error;
    } finally {
      this.#running = false;
      this.#current = undefined;
      this.#atomic = false;
      this.trace.enter(0, -1);
    }
    if (livelock !== null) {
      this.#ledger.takeForgotten();
      return { time: this.now, blocked: blockedTasks(this.#threads), livelock };
    }
    if (until < Number.POSITIVE_INFINITY && until > this.now) this.#clock.advanceTo(until);
    if (this.#queue.size > 0) return { time: this.now, blocked: [] };
    const forgotten = this.#ledger.takeForgotten();
    if (forgotten.length > 0) {
      throw new TypeError(`made and never run, write yield* in front: ${forgotten.join(", ")}`);
    }
    return { time: this.now, blocked: blockedTasks(this.#threads) };
  }

  #first(): number {
    this.#clock.advanceTo(this.#queue.nextTime);
    return this.#queue.pop();
  }

  /** What the scheduler wants of what is due; with slack, something may run a little late because of another. */
  #chosen(scheduler: Scheduler, until: number): number {
    const slots = this.#queue.due(Math.min(until, this.#queue.nextTime + scheduler.slack));
    let slot = slots[0] as number;
    if (slots.length > 1) {
      const candidates = slots.map((each) => {
        const { timeline } = this.#slots[each] as Thread<unknown> | Timer;
        return { timeline, name: this.trace.timelineName(timeline) };
      });
      slot = slots[scheduler.choose(this.now, candidates)] as number;
    }
    const time = this.#queue.timeOf(slot);
    if (time > this.now) this.#clock.advanceTo(time);
    this.#queue.cancel(slot);
    return slot;
  }

  /** Spawns one process, runs until nothing at all is due any more, and returns the process's result. Throws `KernelError` EDEADLK when it never ends. */
  complete<T>(name: string, process: Process<T>): T {
    const task = this.spawn(name, process);
    const { blocked } = this.run();
    if (task.done) return task.result;
    const waits = blocked.map(({ task, waitsFor }) => `${task} waits for ${waitsFor}`).join("; ");
    throw new KernelError("EDEADLK", name, `nothing is left that could wake it: ${waits}`);
  }

  /** Sleeps for `ns`. In a process of one's own, `yield ns` is the same and cheaper. */
  sleep(ns: number): Process {
    return this.process("sleep", this.#sleep(ns));
  }

  *#sleep(ns: number): Process {
    yield ns;
  }

  /**
   * Blocks the current task until `wake`. Whoever will call `wake` must have been told the task before; wake-ups can be
   * meant for something else, so callers loop on their condition.
   */
  block(on: Waitable, options: BlockOptions = {}): Process<Wakeup> {
    return this.process(
      "block",
      block(() => this.running("block"), on, options),
    );
  }

  /** Makes a blocked task runnable; false when it is not blocked. Works in atomic context. */
  wake(task: Task): boolean {
    const thread = task as Thread<unknown>;
    if (thread.state !== "blocked") return false;
    this.#queue.cancel(thread.slot);
    this.#doings++;
    thread.state = "ready";
    thread.trigger = this.trace.context;
    this.#queue.schedule(thread.slot, Math.max(this.now, thread.busyUntil));
    return true;
  }

  /** Sends a task a signal, see `Task.interrupt`. */
  interrupt(task: Task): void {
    const thread = task as Thread<unknown>;
    thread.signalPending = true;
    if (thread.interruptible && this.wake(thread)) thread.interrupted = true;
  }

  /**
   * Charges CPU time to the current task: what a plain function (cache maintenance in a sync call) costs although it
   * cannot sleep. The task goes on that much later after its next suspension. In atomic context it costs nobody.
   */
  charge(ns: number): void {
    const thread = this.#current;
    if (thread === undefined) return;
    thread.charged += ns;
    thread.busyUntil = Math.max(thread.busyUntil, this.now) + ns;
  }

  /** The current task; throws `TypeError` when none runs, which is a sleeping function in atomic context. */
  running(operation: string): Thread<unknown> {
    if (this.#current === undefined) throw new TypeError(`${operation} may sleep: it must run in a task`);
    return this.#current;
  }

  /**
   * Marks a generator as a process that must be run: a public function that may sleep returns
   * `simulation.process("dma_buf_pin", this.#pin(...))`, and a call without `yield*` fails the run.
   */
  process<T>(name: string, process: Process<T>): Process<T> {
    return this.#ledger.track(name, this.#current?.name ?? "setup", process);
  }

  /** A number of its own for a wait queue, for its events. */
  waitQueueId(): number {
    return this.#waitQueues++;
  }

  /** A one-shot timer; its callback runs in atomic context, on the timeline with the given id. */
  timer(callback: () => void, timeline: number = this.#interrupts): Timer {
    return new Timer(this, callback, timeline);
  }

  /** Makes a timer pending; what `Timer.arm` calls. */
  schedule(timer: Timer, time: number): void {
    if (time === Number.POSITIVE_INFINITY) return;
    if (!(time >= this.now)) throw new TypeError(`a timer cannot expire at ${time} ns, it is ${this.now} ns`);
    timer.slot = this.#takeSlot();
    timer.trigger = this.trace.context;
    this.#slots[timer.slot] = timer;
    this.#queue.schedule(timer.slot, time);
  }

  /** Takes a timer back; what `Timer.cancel` calls. */
  unschedule(timer: Timer): boolean {
    if (timer.slot < 0) return false;
    this.#queue.cancel(timer.slot);
    this.#freeSlot(timer.slot);
    timer.slot = -1;
    return true;
  }

  #expire(timer: Timer): void {
    this.#doings++;
    this.#freeSlot(timer.slot);
    timer.slot = -1;
    this.#atomic = true;
    this.trace.enter(timer.timeline, timer.trigger);
    try {
      timer.callback();
    } catch (error) {
      throw named(this.trace.timelineName(timer.timeline), error);
    }
    this.#atomic = false;
  }

  #resume(thread: Thread<unknown>): void {
    // Blocked and due: nobody woke it before its timeout.
    thread.timedOut = thread.state === "blocked";
    thread.state = "running";
    thread.blockedOn = null;
    this.#current = thread;
    this.trace.enter(thread.timeline, thread.trigger);
    let step: IteratorResult<Suspension, unknown>;
    try {
      step = thread.generator.next();
    } catch (error) {
      this.#fail(thread, error);
      return;
    }
    // What it does after a sleep or a timeout follows from what it did before; a wake-up says otherwise.
    thread.trigger = this.trace.context;
    if (step.done === true) {
      thread.finish(step.value);
      this.#end(thread);
    } else if (typeof step.value === "number") this.#suspend(thread, step.value);
    else this.#park(thread, step.value);
    this.#current = undefined;
  }

  #suspend(thread: Thread<unknown>, delay: number): void {
    const time = Math.max(thread.busyUntil, this.now) + delay;
    if (!(delay >= 0 && time < Number.POSITIVE_INFINITY)) {
      this.#fail(thread, new TypeError(`a process cannot sleep for ${delay} ns`));
      return;
    }
    thread.state = "sleeping";
    this.#queue.schedule(thread.slot, time);
  }

  #park(thread: Thread<unknown>, on: Waitable): void {
    // Only `block` says beforehand what it yields: whatever else comes here, nobody would ever wake the task.
    if (thread.blockedOn !== on) {
      this.#fail(
        thread,
        new TypeError("a process can yield a delay in ns only; what it waits for needs yield*"),
      );
      return;
    }
    thread.state = "blocked";
    thread.blockedSince = this.now;
    const deadline = Math.max(this.now, thread.busyUntil) + thread.timeout;
    if (deadline < Number.POSITIVE_INFINITY) this.#queue.schedule(thread.slot, deadline);
  }

  #fail(thread: Thread<unknown>, error: unknown): void {
    const failure = named(thread.name, error);
    const joined = thread.joiners.length > 0;
    thread.fail(failure);
    this.#end(thread);
    this.#current = undefined;
    if (!joined) throw failure;
  }

  #end(thread: Thread<unknown>): void {
    this.#doings++;
    this.#threads.delete(thread);
    this.#freeSlot(thread.slot);
    for (const joiner of thread.joiners.splice(0)) this.wake(joiner);
  }

  #takeSlot(): number {
    return this.#freeSlots.pop() ?? this.#slots.push(undefined) - 1;
  }

  #freeSlot(slot: number): void {
    this.#slots[slot] = undefined;
    this.#freeSlots.push(slot);
  }
}
