// SPDX-License-Identifier: MIT
import { KernelError } from "../error.ts";
import type { Process, Waitable } from "../sim/process.ts";
import type { Simulation } from "../sim/simulation.ts";
import type { Task } from "../sim/task.ts";
import type { StringId } from "../sim/tracepoint.ts";
import { lockAcquired, lockRelease } from "./dma-resv-trace.ts";
import { LockFlag, lockAcquire, NO_CONTEXT } from "./lock-trace.ts";
import { WwAcquire } from "./ww-acquire.ts";
import { NONE } from "./ww-claims.ts";
import { DeadlockInjection } from "./ww-injection.ts";
import { ACQUIRED, ALREADY, DEADLOCK, WAITING, type WwAlgorithm, WwMachine } from "./ww-machine.ts";

/** How taking a lock ended: the kernel's 0, -EALREADY, -EDEADLK and -EINTR. */
export type WwResult = "acquired" | "already" | "deadlock" | "interrupted";

/** What a class of wound/wait mutexes is called and who gives way in it. */
export interface WwClassOptions {
  /** Default `wait-die`, as for reservations. */
  readonly algorithm?: WwAlgorithm;
  /** The class's name, in lock events followed by `_mutex` and `_acquire`; default `ww_class`. */
  readonly name?: string;
  /** What messages call the functions, as in `ww_mutex` (the default), `_lock` and so on behind it. */
  readonly functions?: string;
  /** The name of a lock for lock events, interned in the trace; default none. */
  readonly nameOf?: (index: number) => StringId;
}

/** How to take a lock. */
export interface WwLockOptions {
  /** The acquire context in which it is taken, or none. */
  readonly context?: WwAcquire | null;
  /** Whether a signal ends the wait; default no. */
  readonly interruptible?: boolean;
  /** Whether this is the way on after EDEADLK; default no. */
  readonly slow?: boolean;
}

/**
 * A class of wound/wait mutexes on which tasks sleep, each known by an index: `WwMachine` decides, this blocks and wakes, and
 * WARNs where the kernel's debug checks do. The owner is a timeline, with or without an acquire context.
 * @see struct ww_class
 */
export class WwClass {
  /** The simulation it belongs to. */
  readonly simulation: Simulation;
  /** The state of the locks, for inspection. */
  readonly machine: WwMachine;
  readonly #name: string;
  readonly #functions: string;
  readonly #nameOf: (index: number) => StringId;
  /** Who waits, and which handle an open context has, by claim. */
  readonly #tasks: (Task | undefined)[] = [];
  readonly #contexts: (WwAcquire | undefined)[] = [];
  #created = 0;

  constructor(simulation: Simulation, options: WwClassOptions = {}) {
    this.simulation = simulation;
    this.machine = new WwMachine(options.algorithm ?? "wait-die");
    this.#name = options.name ?? "ww_class";
    this.#functions = options.functions ?? "ww_mutex";
    const unnamed = simulation.trace.intern("");
    this.#nameOf = options.nameOf ?? (() => unnamed);
  }

  /** Makes the lock `index` usable, free; for who numbers the locks of the class itself. */
  init(index: number): void {
    this.machine.init(index);
  }

  /** Makes a free lock and returns its index; not in a class whose locks somebody numbers. */
  create(): number {
    this.machine.init(this.#created);
    return this.#created++;
  }

  /** Begins an acquire context of the running timeline. @see ww_acquire_init */
  acquireInit(): WwAcquire {
    const claim = this.machine.begin(this.simulation.trace.timeline);
    const context = new WwAcquire(this, claim);
    this.#contexts[claim] = context;
    this.#emitAcquire("acquire", claim, 0, null);
    this.#emit(lockAcquired, "acquire", claim);
    return context;
  }

  /** Forgets a context that ends; one that still holds locks keeps its number for ever. Called by `WwAcquire.fini`. */
  acquireFini(claim: number): void {
    this.#contexts[claim] = undefined;
    this.#emit(lockRelease, "acquire", claim);
    if (this.machine.acquired(claim) === 0) this.machine.end(claim);
  }

  /**
   * Has contexts that begin from now on be told EDEADLK now and then without a reason, which drivers must survive
   * `null` switches it off. The seed is a whole number; equal seeds give equal runs.
   */
  injectDeadlocks(seed: number | null): void {
    this.machine.inject(seed === null ? null : new DeadlockInjection(seed));
  }

  /** Whether anybody has it. */
  isLocked(index: number): boolean {
    return this.machine.isLocked(index);
  }

  /** Whether the running timeline has it. */
  isHeld(index: number): boolean {
    return this.machine.holder(index) === this.simulation.trace.timeline;
  }

  /** The name of the timeline that has it, or null. */
  ownerName(index: number): string | null {
    const holder = this.machine.holder(index);
    return holder === NONE ? null : this.simulation.trace.timelineName(holder);
  }

  /** The context in which it is held, or null. */
  lockingContext(index: number): WwAcquire | null {
    return this.#contexts[this.machine.context(index)] ?? null;
  }

  /** Takes the lock when it is free, whoever holds it now: false for one's own too. BUG in atomic context. */
  trylock(index: number, context: WwAcquire | null = null): boolean {
    const { simulation, machine } = this;
    this.#emitAcquire("mutex", index, LockFlag.try, context);
    if (simulation.atomic) {
      const text = "a sleeping lock taken in atomic context";
      simulation.diagnostics.bug("R-10", `${this.#functions}_trylock`, text);
    }
    const claim = context === null ? NONE : this.#claimOf(context, index, `${this.#functions}_trylock`);
    if (!machine.trylock(index, claim, simulation.trace.timeline)) return false;
    this.#emit(lockAcquired, "mutex", index);
    return true;
  }

  /**
   * Takes the lock, waiting for it if need be, or says why not. Taking one's own again without a context
   * waits for ever, after a WARN. Throws `TypeError` in atomic context.
   */
  *acquire(index: number, waitable: Waitable, options: WwLockOptions = {}): Process<WwResult> {
    const { context = null, interruptible = false, slow = false } = options;
    const { simulation, machine } = this;
    this.#emitAcquire("mutex", index, 0, context);
    const task = simulation.running(this.#operation(options));
    const held = this.isHeld(index);
    let claim: number;
    if (context === null) claim = machine.lockPlain(index, task.timeline);
    else {
      claim = this.#claimOf(context, index, this.#operation(options), slow);
      const outcome = slow ? machine.lockSlow(index, claim) : machine.lock(index, claim);
      this.#wakeVictims();
      if (outcome === ALREADY) return "already";
      if (outcome === DEADLOCK) return "deadlock";
      if (outcome === ACQUIRED) claim = NONE;
    }
    if (claim !== NONE) {
      if (held) {
        const text = `${waitable.describe()} is held by the same task`;
        simulation.diagnostics.warn("R-5", this.#operation(options), text);
      }
      this.#tasks[claim] = task;
      const result = yield* this.#await(claim, waitable, interruptible);
      if (context === null) machine.forget(claim);
      if (result !== "acquired") return result;
    }
    this.#emit(lockAcquired, "mutex", index);
    return "acquired";
  }

  /** As `acquire`, with what it says thrown: `KernelError` EALREADY, EDEADLK, EINTR. */
  *lock(index: number, waitable: Waitable, options: WwLockOptions = {}): Process {
    const result = yield* this.acquire(index, waitable, options);
    if (result === "acquired") return;
    const operation = this.#operation(options);
    const lock = waitable.describe();
    if (result === "already") throw new KernelError("EALREADY", operation, `the context has ${lock} (R-5)`);
    if (result === "interrupted") throw new KernelError("EINTR", operation, `interrupted: ${lock}`);
    const text = `an older context has the right to ${lock}: unlock all, take this one first (R-6)`;
    throw new KernelError("EDEADLK", operation, text);
  }

  /** Gives the lock back, to who is first in its queue. BUG when the running timeline has it not. */
  unlock(index: number, name: string): void {
    if (!this.isHeld(index)) {
      const owner = this.ownerName(index) ?? "nobody";
      this.simulation.diagnostics.bug("R-9", `${this.#functions}_unlock`, `${name} is held by ${owner}`);
    }
    this.#emit(lockRelease, "mutex", index);
    const next = this.machine.unlock(index);
    if (next !== NONE) this.#wake(next);
  }

  // Waking does not mean owning: the wake-up may be a stale one, and an interrupt may come just after the hand-over.
  *#await(claim: number, waitable: Waitable, interruptible: boolean): Process<WwResult> {
    for (;;) {
      const wakeup = yield* this.simulation.block(waitable, { interruptible });
      const outcome = this.machine.outcome(claim);
      if (outcome === ACQUIRED) return "acquired";
      if (outcome === DEADLOCK) return "deadlock";
      if (wakeup !== "interrupted") continue;
      this.machine.cancel(claim);
      return "interrupted";
    }
  }

  /** The claim of a context, after the debug checks of. */
  #claimOf(context: WwAcquire, index: number, operation: string, slow = false): number {
    const { machine } = this;
    const claim = context.claim;
    if (context.class !== this) throw new TypeError(`${operation}: the context is of another class of locks`);
    if (machine.party(claim) !== this.simulation.trace.timeline || machine.outcome(claim) === WAITING)
      throw new TypeError(`${operation}: the context belongs to another task`);
    const warn = (rule: string, text: string): void =>
      this.simulation.diagnostics.warn(rule, operation, text);
    const contended = machine.contended(claim);
    const others = machine.acquired(claim);
    if (context.isDone) warn("R-8", "a lock claimed after ww_acquire_done");
    if (slow && contended === NONE) warn("R-6", "no lock of the context is contended");
    if (contended === NONE) return claim;
    if (contended !== index) warn("R-6", "another lock claimed before the contended one");
    if (others > 0) warn("R-6", `claimed after EDEADLK with ${others} locks of the context held`);
    return claim;
  }

  #wakeVictims(): void {
    for (let victim = this.machine.takeVictim(); victim !== NONE; victim = this.machine.takeVictim())
      this.#wake(victim);
  }

  #wake(claim: number): void {
    this.simulation.wake(this.#tasks[claim] as Task);
    this.#tasks[claim] = undefined;
  }

  #operation({ slow = false, interruptible = false }: WwLockOptions): string {
    return `${this.#functions}_lock${slow ? "_slow" : ""}${interruptible ? "_interruptible" : ""}`;
  }

  /** Before it is taken, for the lock checker; trying says it too, because in atomic context even that is wrong. */
  #emitAcquire(kind: "acquire" | "mutex", index: number, flags: number, context: WwAcquire | null): void {
    const { trace, atomic } = this.simulation;
    if (!trace.wants(lockAcquire)) return;
    const all = flags + (atomic ? LockFlag.atomic : 0);
    const object = kind === "mutex" ? this.#nameOf(index) : trace.intern("");
    const nest = context === null ? NO_CONTEXT : context.claim;
    trace.emit(lockAcquire, all, trace.intern(`${this.#name}_${kind}`), index, nest, object);
  }

  #emit(point: typeof lockAcquired | typeof lockRelease, kind: "acquire" | "mutex", index: number): void {
    const { trace } = this.simulation;
    if (trace.wants(point)) trace.emit(point, trace.intern(`${this.#name}_${kind}`), index);
  }
}
