// SPDX-License-Identifier: MIT

import type { BlockOptions } from "../sim/block.ts";
import type { Process, Waitable } from "../sim/process.ts";
import { DmaFence } from "./dma-fence.ts";
import { DmaFenceArray } from "./dma-fence-array.ts";
import { resvAdd, resvReplace, resvSettled } from "./dma-resv-trace.ts";
import type { FenceId } from "./fence-callback.ts";
import { ResvCursor } from "./resv-cursor.ts";
import type { ResvPool } from "./resv-pool.ts";
import { mightReclaim, mightWait } from "./signalling.ts";
import { type Usage, usages } from "./usage.ts";
import type { WwAcquire } from "./ww-acquire.ts";
import type { WwLockOptions, WwResult } from "./ww-class.ts";

/**
 * A reservation object: the fences that the users of a buffer wait for, each with a usage, under a sleeping lock. A thin
 * handle; the state is in the pool. Who needs several at once takes them with `lockAll`. @see struct dma_resv
 */
export class DmaResv implements Waitable {
  readonly #pool: ResvPool;
  readonly #index: number;
  #finished = false;

  /** Makes an unlocked reservation object without fences. `name` is for messages, as in `samples#0`. @see dma_resv_init */
  constructor(pool: ResvPool, name = "") {
    this.#pool = pool;
    this.#index = pool.create(pool.simulation.trace.intern(name));
  }

  /** Its number in events and, without a name, in messages. BUG after `fini`. */
  get index(): number {
    if (this.#finished) this.#pool.simulation.diagnostics.bug("R-28", "dma_resv", "used after dma_resv_fini");
    return this.#index;
  }

  /** Its name, or its number. */
  get name(): string {
    const name = this.#pool.simulation.trace.string(this.#pool.name(this.index));
    return name === "" ? `resv ${this.index}` : name;
  }

  /** What a task waits for that waits for its lock. */
  describe(): string {
    return `the reservation lock of ${this.name}`;
  }

  /** The timeline that has its lock, or null. */
  heldBy(): string | null {
    return this.#pool.locks.ownerName(this.index);
  }

  /** Where the state of the objects is. */
  get pool(): ResvPool {
    return this.#pool;
  }

  /**
   * Takes the lock, waiting for it if need be; what it returns unlocks at the end of a `using`. Throws `KernelError` EINTR
   * when interruptible and a signal comes. Without a context it is an ordinary lock: taking it twice is a deadlock, and a
   * WARN. In one it throws EALREADY when the context has it, and EDEADLK when the context has to give way to an
   * older one. @see dma_resv_lock
   */
  lock(options: Omit<WwLockOptions, "slow"> = {}): Process<Disposable> {
    return this.#pool.simulation.process("dma_resv_lock", this.#lock(options));
  }

  /**
   * The way on after EDEADLK, with all locks of the context given back: takes the contended lock, however long that takes
   * . WARNs when the context holds any, or was not refused this one. @see dma_resv_lock_slow
   */
  lockSlow(context: WwAcquire, options: { readonly interruptible?: boolean } = {}): Process<Disposable> {
    const lock = this.#lock({ ...options, context, slow: true });
    return this.#pool.simulation.process("dma_resv_lock_slow", lock);
  }

  *#lock(options: WwLockOptions): Process<Disposable> {
    yield* this.#pool.locks.lock(this.index, this, options);
    return { [Symbol.dispose]: () => this.unlock() };
  }

  /** As `lock` and `lockSlow`, with the outcome returned instead of thrown: the caller unlocks. */
  acquire(options: WwLockOptions = {}): Process<WwResult> {
    const { locks, simulation } = this.#pool;
    return simulation.process("dma_resv_lock", locks.acquire(this.index, this, options));
  }

  /** Takes the lock if it is free. BUG in atomic context. @see dma_resv_trylock */
  trylock(): boolean {
    return this.#pool.locks.trylock(this.index);
  }

  /**
   * Gives the lock back; BUG unless the caller has it. Slots that were reserved and not used are lost, as in kernels that
   * debug mutexes, so that a driver which relies on them fails always and not only there. @see dma_resv_unlock
   */
  unlock(): void {
    const { locks } = this.#pool;
    if (locks.isHeld(this.index)) {
      const count = this.#pool.count(this.index);
      this.#pool.resize(this.index, count, count, count);
    }
    locks.unlock(this.index, this.name);
  }

  /** The context in which it is locked, or null. @see dma_resv_locking_ctx */
  get lockingContext(): WwAcquire | null {
    return this.#pool.locks.lockingContext(this.index);
  }

  /** Whether anybody has the lock. @see dma_resv_is_locked */
  get isLocked(): boolean {
    return this.#pool.locks.isLocked(this.index);
  }

  /** Whether the running task has the lock. */
  get isHeld(): boolean {
    return this.#pool.locks.isHeld(this.index);
  }

  /** WARNs unless the running task has the lock; `rule` and `operation` say who demands it. Whether it has. @see dma_resv_assert_held */
  assertHeld(rule: string, operation: string): boolean {
    if (this.isHeld) return true;
    const text = `called without ${this.describe()} (${this.#holder()})`;
    this.#pool.simulation.diagnostics.warn(rule, operation, text);
    return false;
  }

  /** WARNs when the running task has the lock, for what takes it or may call what takes it. Whether it is fine. @see might_lock */
  assertNotHeld(rule: string, operation: string): boolean {
    if (!this.isHeld) return true;
    this.#pool.simulation.diagnostics.warn(rule, operation, `called with ${this.describe()} held`);
    return false;
  }

  /**
   * Makes sure that `count` more fences can be added until the unlock; the lock must be held. When the table must
   * grow, signaled fences drop out of it. WARN and `false`, the kernel's -EINVAL, for 0. @see dma_resv_reserve_fences
   */
  reserveFences(count: number): boolean {
    this.assertHeld("R-18", "dma_resv_reserve_fences");
    if (!(count >= 1)) {
      this.#pool.simulation.diagnostics.warn("R-18", "dma_resv_reserve_fences", `${count} fences reserved`);
      return false;
    }
    mightReclaim(this.#pool.simulation);
    const index = this.index;
    const pool = this.#pool;
    const room = pool.room(index);
    if (pool.count(index) + count > room) {
      const wanted = pool.count(index) + count;
      const grown = room === 0 ? Math.max(4, 2 ** Math.ceil(Math.log2(count))) : Math.max(wanted, 2 * room);
      this.#dropSignaled();
      pool.reallocate(index, grown);
    }
    const reserved = Math.max(pool.reserved(index), pool.count(index) + count);
    pool.resize(index, pool.count(index), pool.room(index), reserved);
    return true;
  }

  /**
   * Publishes a fence; the lock must be held and a slot reserved. It takes the place of the first fence that has
   * signaled, or that is of the same context, not later, and of the same usage or a weaker one; so a read never hides a
   * write. Takes a reference. WARNs for an array or a chain: what is in it is added instead. A fence beyond the reservation is a WARN while the table has room by luck, and a
   * BUG when it has not. @see dma_resv_add_fence
   */
  addFence(fence: DmaFence, usage: Usage): void {
    const pool = this.#pool;
    const index = this.index;
    const { fences, simulation } = pool;
    if (fence.pool !== fences) throw new TypeError("dma_resv_add_fence: the fence is of another simulation");
    this.assertHeld("R-19", "dma_resv_add_fence");
    const added = fence.id;
    if (fences.isContainer(added)) {
      const text = `${fences.describe(added)} is a container: add what is in it`;
      simulation.diagnostics.warn("R-19", "dma_resv_add_fence", text);
    }
    const weight = usages.indexOf(usage);
    const count = pool.count(index);
    const slot = this.#slotFor(added, weight);
    if (slot === count) {
      if (count >= pool.limit(index)) {
        simulation.diagnostics.bug("R-19", "dma_resv_add_fence", `no slot is reserved in ${this.name}`);
      }
      if (count >= pool.reserved(index)) {
        const text = `more fences added to ${this.name} than were reserved`;
        simulation.diagnostics.warn("R-18", "dma_resv_add_fence", text);
      }
      pool.resize(index, count + 1, pool.limit(index), Math.max(pool.reserved(index), count + 1));
    }
    const old = slot === count ? undefined : pool.fenceAt(index, slot);
    fences.get(added);
    pool.set(index, slot, added, weight);
    if (old !== undefined) fences.put(old);
    simulation.trace.emit(resvAdd, index, fences.context(added), fences.seqno(added), weight);
  }

  /**
   * Puts a fence with this usage in the place of every fence of `context`, whatever its usage or number; the lock must be
   * held, no slot is needed. The new fence has to promise that the work of the old ones no longer touches the
   * memory. It stands there as often as it replaced. @see dma_resv_replace_fences
   */
  replaceFences(context: number, fence: DmaFence, usage: Usage): void {
    const pool = this.#pool;
    const { fences, simulation } = pool;
    if (fence.pool !== fences)
      throw new TypeError("dma_resv_replace_fences: the fence is of another simulation");
    this.assertHeld("R-21", "dma_resv_replace_fences");
    const added = fence.id;
    const weight = usages.indexOf(usage);
    for (let slot = 0; slot < pool.count(this.index); slot++) {
      const old = pool.fenceAt(this.index, slot);
      if (fences.context(old) !== context) continue;
      pool.set(this.index, slot, fences.get(added), weight);
      fences.put(old);
    }
    const [replacedBy, seqno] = [fences.context(added), fences.seqno(added)];
    simulation.trace.emit(resvReplace, this.index, context, replacedBy, seqno, weight);
  }

  /**
   * Takes over the pending fences of another object, of every usage, in the place of all of its own; its lock must be
   * held, the other's need not. @see dma_resv_copy_fences
   */
  copyFences(source: DmaResv): void {
    this.assertHeld("R-23", "dma_resv_copy_fences");
    const pool = this.#pool;
    if (source.pool !== pool)
      throw new TypeError("dma_resv_copy_fences: the object is of another simulation");
    const copied: [fence: FenceId, weight: number][] = [];
    using cursor = source.iterate("bookkeep");
    for (let fence = cursor.first(); fence !== null; fence = cursor.next())
      copied.push([pool.fences.get(fence), usages.indexOf(cursor.usage)]);
    const count = pool.count(this.index);
    const old = Array.from({ length: count }, (_, slot) => pool.fenceAt(this.index, slot));
    pool.clear(this.index);
    if (copied.length > 0) pool.reallocate(this.index, copied.length);
    pool.resize(this.index, copied.length, copied.length, copied.length);
    for (const [slot, [fence, weight]] of copied.entries()) pool.set(this.index, slot, fence, weight);
    for (const fence of old) pool.fences.put(fence);
  }

  /** Calls `visit` with every fence of this usage or a stronger one, signaled or not; the lock must be held. */
  forEach(usage: Usage, visit: (fence: FenceId, usage: Usage) => void): void {
    this.assertHeld("R-22", "dma_resv_iter_first");
    const weight = usages.indexOf(usage);
    for (let slot = 0; slot < this.#pool.count(this.index); slot++) {
      const found = this.#pool.usageAt(this.index, slot);
      if (found <= weight) visit(this.#pool.fenceAt(this.index, slot), usages[found] as Usage);
    }
  }

  /**
   * Handles on the fences of this usage or a stronger one, signaled or not; the lock must be held. They take
   * no reference: they are good as long as the fences stay in this object.
   */
  fences(usage: Usage): DmaFence[] {
    const found: DmaFence[] = [];
    this.forEach(usage, (fence) => found.push(new DmaFence(this.#pool.fences, fence)));
    return found;
  }

  /** A visit of the pending fences of this usage or a stronger one; the lock may be free. End it with `using`. @see dma_resv_iter_begin */
  iterate(usage: Usage): ResvCursor {
    return new ResvCursor(this.#pool, this.index, usage);
  }

  /**
   * Handles on the pending fences of this usage or a stronger one, each with a reference that the caller puts; the lock
   * may be free. A fence that was added with two usages is there twice. @see dma_resv_get_fences
   */
  getFences(usage: Usage): DmaFence[] {
    const found: DmaFence[] = [];
    using cursor = this.iterate(usage);
    for (let fence = cursor.first(); fence !== null; fence = cursor.next())
      found.push(new DmaFence(this.#pool.fences, this.#pool.fences.get(fence)));
    return found;
  }

  /**
   * The pending fences of this usage or a stronger one as a single fence with a reference: null for none, the fence
   * itself for one, an array of its own context for more. It must not be added to an object again: what is in it may.
   * @see dma_resv_get_singleton
   */
  getSingleton(usage: Usage): DmaFence | null {
    const found = this.getFences(usage);
    if (found.length <= 1) return found[0] ?? null;
    const array = DmaFenceArray.create(found);
    for (const fence of found) fence.put();
    return array;
  }

  /** Tells every pending fence of this usage or a stronger one by when it is wanted, in ns (R-27, F-28). @see dma_resv_set_deadline */
  setDeadline(usage: Usage, time: number): void {
    using cursor = this.iterate(usage);
    for (let fence = cursor.first(); fence !== null; fence = cursor.next())
      this.#pool.fences.setDeadline(fence, time);
  }

  /** The first fence of this usage or a stronger one that has not signaled, or null; the lock may be free. */
  firstPending(usage: Usage): DmaFence | null {
    const slot = this.#nextPending(usages.indexOf(usage), 0);
    return slot < 0 ? null : new DmaFence(this.#pool.fences, this.#pool.fenceAt(this.index, slot));
  }

  /** Whether no fence of this usage or a stronger one is pending; the lock may be free. @see dma_resv_test_signaled */
  testSignaled(usage: Usage): boolean {
    const weight = usages.indexOf(usage);
    const settled = this.#nextPending(weight, 0) < 0;
    if (settled) this.#pool.simulation.trace.emit(resvSettled, this.index, weight);
    return settled;
  }

  /**
   * Waits until every fence of this usage or a stronger one has signaled; the lock may be free. Fences that are
   * added meanwhile are waited for only when the table had to be replaced for them, as in the kernel. Returns what is left of the timeout in ns, always more than 0 (1 when the timeout was 0), or
   * 0 when it passed first; `Infinity` without one. Throws `KernelError` EINTR, EINVAL as a fence's wait does.
   * @see dma_resv_wait_timeout
   */
  wait(usage: Usage, options: BlockOptions = {}): Process<number> {
    return this.#pool.simulation.process("dma_resv_wait_timeout", this.#wait(usage, options));
  }

  *#wait(usage: Usage, options: BlockOptions): Process<number> {
    const { timeout = Number.POSITIVE_INFINITY, interruptible = false } = options;
    const { simulation, fences } = this.#pool;
    mightWait(simulation, this.#pool.name(this.index));
    const deadline = simulation.now + timeout;
    using cursor = this.iterate(usage);
    for (let fence = cursor.first(); fence !== null; fence = cursor.next()) {
      const left = timeout > 0 ? deadline - simulation.now : timeout;
      if (timeout > 0 && left <= 0) return 0;
      if ((yield* fences.wait(fence, { timeout: left, interruptible })) === 0) return 0;
    }
    return Math.max(1, deadline - simulation.now);
  }

  /** One line a fence of usage read or stronger, as in the kernel's bufinfo. @see dma_resv_describe */
  describeFences(): string[] {
    const lines: string[] = [];
    for (let slot = 0; slot < this.#pool.count(this.index); slot++) {
      const usage = usages[this.#pool.usageAt(this.index, slot)] as Usage;
      const fence = this.#pool.fenceAt(this.index, slot);
      if (usage !== "bookkeep") lines.push(`${usage} fence: ${this.#pool.fences.describe(fence)}`);
    }
    return lines;
  }

  /** Ends its life and puts every fence; BUG while it is locked. @see dma_resv_fini */
  fini(): void {
    if (this.isLocked) this.#pool.simulation.diagnostics.bug("R-28", "dma_resv_fini", this.#holder());
    const count = this.#pool.count(this.index);
    for (let slot = 0; slot < count; slot++) this.#pool.fences.put(this.#pool.fenceAt(this.index, slot));
    this.#pool.destroy(this.index);
    this.#finished = true;
  }

  #slotFor(added: FenceId, weight: number): number {
    const { fences } = this.#pool;
    const count = this.#pool.count(this.index);
    for (let slot = 0; slot < count; slot++) {
      const old = this.#pool.fenceAt(this.index, slot);
      const replaces =
        fences.context(old) === fences.context(added) &&
        this.#pool.usageAt(this.index, slot) >= weight &&
        fences.isLaterOrSame(added, old);
      if (replaces || fences.isSignaled(old)) return slot;
    }
    return count;
  }

  #nextPending(weight: number, from: number, end = this.#pool.count(this.index)): number {
    for (let slot = from; slot < end; slot++) {
      if (this.#pool.usageAt(this.index, slot) > weight) continue;
      if (!this.#pool.fences.isSignaled(this.#pool.fenceAt(this.index, slot))) return slot;
    }
    return -1;
  }

  #dropSignaled(): void {
    const { fences } = this.#pool;
    const count = this.#pool.count(this.index);
    let kept = 0;
    for (let slot = 0; slot < count; slot++) {
      const fence = this.#pool.fenceAt(this.index, slot);
      if (fences.isSignaled(fence)) fences.put(fence);
      else this.#pool.set(this.index, kept++, fence, this.#pool.usageAt(this.index, slot));
    }
    this.#pool.resize(this.index, kept, this.#pool.limit(this.index), kept);
  }

  #holder(): string {
    const owner = this.heldBy();
    return owner === null ? "nobody has it" : `${owner} has it`;
  }
}
