// SPDX-License-Identifier: MIT
import { NONE, WwClaims } from "./ww-claims.ts";
import type { DeadlockInjection } from "./ww-injection.ts";

/**
 * Who gives way when contexts meet. `wait-die`: the younger one, if it holds anything, and at once; what
 * reservations use. `wound-wait`: the younger one too, but when it next meets a lock that is taken.
 */
export type WwAlgorithm = "wait-die" | "wound-wait";

/** The lock is the claim's. */
export const ACQUIRED = 0;
/** The claim is in the lock's queue; `unlock` or `takeVictim` names it when that ends. */
export const WAITING = 1;
/** It must back off: the kernel's -EDEADLK. */
export const DEADLOCK = 2;
/** It had the lock before: the kernel's -EALREADY. */
export const ALREADY = 3;
/** What comes of claiming a lock: `ACQUIRED`, `WAITING`, `DEADLOCK` or `ALREADY`. */
export type WwOutcome = typeof ACQUIRED | typeof WAITING | typeof DEADLOCK | typeof ALREADY;

const FREE = -1;
// An owner below FREE is a party without a context: FREE - 1 - party.
const withoutContext = (party: number): number => FREE - 1 - party;

/**
 * The wound/wait mutexes of a class as a state machine: nothing sleeps here, a claim that must wait is told so. 8 bytes a
 * lock, in a structure of arrays. Locks and claims are indices, parties are whole numbers from 0 on that the user gives
 * meaning to, such as tasks. A lock is handed over at the unlock, so that nobody overtakes who waits. It trusts its
 * user: that a context waits for one lock at a time, and that who unlocks is the owner.
 */
export class WwMachine {
  readonly #claims = new WwClaims();
  readonly #waitDie: boolean;
  readonly #victims: number[] = [];
  /** The context, or `withoutContext(party)`, or FREE. */
  #owners = new Int32Array(16).fill(FREE);
  /** First claim that waits, or NONE. */
  #heads = new Int32Array(16).fill(NONE);
  #stamp = 0;
  #injection: DeadlockInjection | null = null;

  constructor(algorithm: WwAlgorithm = "wait-die") {
    this.#waitDie = algorithm === "wait-die";
  }

  /** Makes the lock `lock` usable, free. */
  init(lock: number): void {
    if (lock >= this.#owners.length) {
      const capacity = Math.max(lock + 1, 2 * this.#owners.length);
      const owners = new Int32Array(capacity).fill(FREE);
      const heads = new Int32Array(capacity).fill(NONE);
      owners.set(this.#owners);
      heads.set(this.#heads);
      this.#owners = owners;
      this.#heads = heads;
    }
    this.#owners[lock] = FREE;
    this.#heads[lock] = NONE;
  }

  /** Begins a context of a party: it is younger than all before it. */
  begin(party: number): number {
    const claim = this.#claims.take(++this.#stamp, party);
    this.#injection?.begin(claim, this.#stamp);
    return claim;
  }

  /** Ends a context that holds nothing and waits for nothing. */
  end(claim: number): void {
    this.#claims.release(claim);
  }

  /** Has contexts that begin from now on back off without a reason, or no more with null. */
  inject(injection: DeadlockInjection | null): void {
    this.#injection = injection;
  }

  /** Claims a lock for a context. */
  lock(lock: number, claim: number): WwOutcome {
    const owner = this.#owners[lock] as number;
    if (owner === claim) return ALREADY;
    const claims = this.#claims;
    const held = claims.acquired[claim] as number;
    if (this.#injection !== null && held > 0 && this.#injection.due(claim)) return this.#die(lock, claim);
    return this.#claim(lock, claim, owner, held);
  }

  /** Claims a lock for a context that holds nothing, which never has to back off: after DEADLOCK. */
  lockSlow(lock: number, claim: number): WwOutcome {
    const owner = this.#owners[lock] as number;
    if (owner === claim) return ALREADY;
    return this.#claim(lock, claim, owner, this.#claims.acquired[claim] as number);
  }

  /** Claims a lock for a party without a context: NONE when it has it at once, else the claim that waits; `forget` it afterwards. */
  lockPlain(lock: number, party: number): number {
    if (this.#owners[lock] === FREE) {
      this.#owners[lock] = withoutContext(party);
      return NONE;
    }
    const claim = this.#claims.take(0, party);
    this.#wait(lock, claim, NONE);
    return claim;
  }

  /** Gives back the claim of a party without a context after its wait. */
  forget(claim: number): void {
    this.#claims.release(claim);
  }

  /** Takes a lock that is free, in a context or (with NONE) for a party without one; false when it is not free. */
  trylock(lock: number, claim: number, party: number): boolean {
    if (this.#owners[lock] !== FREE) return false;
    if (claim === NONE) this.#owners[lock] = withoutContext(party);
    else this.#own(lock, claim);
    return true;
  }

  /** Gives a lock back, to whoever is first in its queue: that claim has it now. NONE when nobody waits. */
  unlock(lock: number): number {
    const claims = this.#claims;
    const owner = this.#owners[lock] as number;
    if (owner >= 0) {
      const left = (claims.acquired[owner] as number) - 1;
      claims.acquired[owner] = left;
      // Nobody older waits for what it has when it has nothing.
      if (left === 0) claims.wounded[owner] = 0;
    }
    const first = this.#heads[lock] as number;
    if (first === NONE) {
      this.#owners[lock] = FREE;
      return NONE;
    }
    this.#leave(lock, first, ACQUIRED);
    if (claims.stamps[first] === 0) this.#owners[lock] = withoutContext(claims.parties[first] as number);
    else this.#own(lock, first);
    return first;
  }

  /** Takes a claim that waits out of the queue. */
  cancel(claim: number): void {
    this.#leave(this.#claims.waitsFor[claim] as number, claim, ACQUIRED);
  }

  /** The next claim that waited and has to back off because of what was done since the last call, or NONE. */
  takeVictim(): number {
    return this.#victims.length === 0 ? NONE : (this.#victims.shift() as number);
  }

  /** Whether anybody has the lock. */
  isLocked(lock: number): boolean {
    return this.#owners[lock] !== FREE;
  }

  /** The party that has the lock, or NONE. */
  holder(lock: number): number {
    const owner = this.#owners[lock] as number;
    return owner >= 0 ? (this.#claims.parties[owner] as number) : FREE - 1 - owner;
  }

  /** The context that has the lock, or NONE when nobody or somebody without one has. */
  context(lock: number): number {
    return Math.max(this.#owners[lock] as number, NONE);
  }

  /** The claims that wait for the lock, in the order in which they get it. */
  waiters(lock: number): number[] {
    const head = this.#heads[lock] as number;
    const found: number[] = [];
    if (head === NONE) return found;
    for (let claim = head; found.length === 0 || claim !== head; claim = this.#claims.next[claim] as number)
      found.push(claim);
    return found;
  }

  /** Whether the claim waits, or how its last wait ended: `ACQUIRED` or `DEADLOCK`. */
  outcome(claim: number): WwOutcome {
    return this.#claims.outcomes[claim] as WwOutcome;
  }

  /** Age of a context: lower is older; 0 is a claim without one. */
  stamp(claim: number): number {
    return this.#claims.stamps[claim] as number;
  }

  /** The party that a claim was made for. */
  party(claim: number): number {
    return this.#claims.parties[claim] as number;
  }

  /** Number of locks that a context holds. */
  acquired(claim: number): number {
    return this.#claims.acquired[claim] as number;
  }

  /** The lock that a context had to back off from and has claimed nothing since, or NONE. */
  contended(claim: number): number {
    return this.#claims.contended[claim] as number;
  }

  /** Number of contexts, and of claims without one that wait. */
  get live(): number {
    return this.#claims.live;
  }

  #claim(lock: number, claim: number, owner: number, held: number): WwOutcome {
    const { contended, stamps, wounded, waitsFor } = this.#claims;
    contended[claim] = NONE;
    if (owner === FREE) {
      this.#own(lock, claim);
      return ACQUIRED;
    }
    const stamp = stamps[claim] as number;
    if (held > 0) {
      const older = owner >= 0 && (stamps[owner] as number) < stamp;
      if (this.#waitDie ? older : wounded[claim] === 1) return this.#die(lock, claim);
    }
    if (!this.#queue(lock, claim, stamp, held)) return this.#die(lock, claim);
    if (!this.#waitDie && owner >= 0 && wounded[owner] === 0 && (stamps[owner] as number) > stamp) {
      wounded[owner] = 1;
      if (waitsFor[owner] !== NONE) this.#kill(owner);
    }
    return WAITING;
  }

  /**
   * Queues a context behind the older ones; a party without one keeps its place, so that it does not starve. In wait-die
   * nobody who holds something waits behind an older context: false when that is the claim itself.
   */
  #queue(lock: number, claim: number, stamp: number, held: number): boolean {
    const { stamps, acquired, previous } = this.#claims;
    const head = this.#heads[lock] as number;
    let before = NONE;
    for (let at = head === NONE ? NONE : (previous[head] as number); at !== NONE; ) {
      const ahead = at === head ? NONE : (previous[at] as number);
      const other = stamps[at] as number;
      if (other !== 0) {
        if (other < stamp) {
          if (this.#waitDie && held > 0) return false;
          break;
        }
        if (this.#waitDie && (acquired[at] as number) > 0) this.#kill(at);
        else before = at;
      }
      at = ahead;
    }
    this.#wait(lock, claim, before);
    return true;
  }

  #own(lock: number, claim: number): void {
    this.#owners[lock] = claim;
    this.#claims.acquired[claim] = (this.#claims.acquired[claim] as number) + 1;
  }

  #wait(lock: number, claim: number, before: number): void {
    const claims = this.#claims;
    claims.waitsFor[claim] = lock;
    claims.outcomes[claim] = WAITING;
    this.#heads[lock] = claims.insert(claim, this.#heads[lock] as number, before);
  }

  #leave(lock: number, claim: number, outcome: WwOutcome): void {
    const claims = this.#claims;
    claims.waitsFor[claim] = NONE;
    claims.outcomes[claim] = outcome;
    this.#heads[lock] = claims.remove(claim, this.#heads[lock] as number);
  }

  #die(lock: number, claim: number): WwOutcome {
    this.#claims.contended[claim] = lock;
    return DEADLOCK;
  }

  #kill(claim: number): void {
    const lock = this.#claims.waitsFor[claim] as number;
    this.#leave(lock, claim, DEADLOCK);
    this.#die(lock, claim);
    this.#victims.push(claim);
  }
}
