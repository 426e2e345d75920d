// SPDX-License-Identifier: MIT
import { KernelError } from "../error.ts";
import type { Process } from "../sim/process.ts";
import type { DmaResv } from "./dma-resv.ts";
import type { WwAcquire } from "./ww-acquire.ts";

/** How to lock several objects. */
export interface LockAllOptions {
  /** Whether an object may be in the list more than once; default no. */
  readonly duplicates?: boolean;
  /** Whether a signal ends the wait; default no. */
  readonly interruptible?: boolean;
  /** Slots for fences to reserve in each object once all are locked; default 0. */
  readonly slots?: number;
}

/** Several locked objects; the end of a `using` unlocks them. */
export class LockedResvs implements Disposable {
  readonly #context: WwAcquire | null;
  readonly #locked: DmaResv[] = [];

  /** Nothing is locked yet. */
  constructor(context: WwAcquire | null) {
    this.#context = context;
  }

  /** The objects, each once, in the order in which they were locked. */
  get resvs(): readonly DmaResv[] {
    return this.#locked;
  }

  /** Notes a locked object; called by `lockAll`. */
  add(resv: DmaResv): void {
    this.#locked.push(resv);
  }

  /** Unlocks them, the last one first, and keeps the context. */
  backOff(): void {
    for (let resv = this.#locked.pop(); resv !== undefined; resv = this.#locked.pop()) resv.unlock();
  }

  [Symbol.dispose](): void {
    this.backOff();
    this.#context?.[Symbol.dispose]();
  }
}

/**
 * Locks all of several reservation objects in an acquire context, whatever the order in which others lock theirs: it
 * backs off and begins again as often as need be, with the contended one first, and nobody sees an EDEADLK.
 * What it returns unlocks them. Throws `KernelError` EALREADY for an object that is there twice unless duplicates are
 * allowed, EINTR when interruptible and a signal comes; nothing is locked then. @see drm_exec_until_all_locked
 */
export function lockAll(resvs: readonly DmaResv[], options: LockAllOptions = {}): Process<LockedResvs> {
  const [first] = resvs;
  if (first === undefined) return nothing();
  const { pool } = first;
  if (resvs.some((resv) => resv.pool !== pool))
    throw new TypeError("drm_exec_lock_obj: objects of different simulations");
  return pool.simulation.process("lockAll", lockEach(resvs, options));
}

function* nothing(): Process<LockedResvs> {
  return new LockedResvs(null);
}

function* lockEach(resvs: readonly DmaResv[], options: LockAllOptions): Process<LockedResvs> {
  const context = (resvs[0] as DmaResv).pool.acquireInit();
  const locked = new LockedResvs(context);
  try {
    for (let contended: DmaResv | null = null; ; ) {
      contended = yield* lockOnce(resvs, locked, context, contended, options);
      if (contended === null) break;
      locked.backOff();
    }
    context.done();
    const { slots = 0 } = options;
    if (slots > 0) for (const resv of locked.resvs) resv.reserveFences(slots);
    return locked;
  } catch (error) {
    locked[Symbol.dispose]();
    throw error;
  }
}

/** One pass over the list: the object that it has to back off from, or null when all are locked. */
function* lockOnce(
  resvs: readonly DmaResv[],
  locked: LockedResvs,
  context: WwAcquire,
  contended: DmaResv | null,
  { duplicates = false, interruptible = false }: LockAllOptions,
): Process<DmaResv | null> {
  let ahead = contended;
  for (const resv of contended === null ? resvs : [contended, ...resvs]) {
    const slow = locked.resvs.length === 0 && contended !== null;
    const result = yield* resv.acquire({ context, interruptible, slow });
    if (result === "acquired") locked.add(resv);
    else if (result === "deadlock") return resv;
    else if (result === "interrupted")
      throw new KernelError("EINTR", "drm_exec_lock_obj", `interrupted: ${resv.describe()}`);
    else if (resv === ahead) ahead = null;
    else if (!duplicates)
      throw new KernelError("EALREADY", "drm_exec_lock_obj", `${resv.name} is in the list twice (R-13)`);
  }
  return null;
}
