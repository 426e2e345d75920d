// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { ACQUIRED, ALREADY, DEADLOCK, WAITING, type WwAlgorithm, WwMachine } from "../../src/sync.ts";

const LOCKS = 5;

/** A context, or a task without one: stamp 0. */
interface Claim {
  readonly id: number;
  readonly stamp: number;
  readonly party: number;
  wounded: boolean;
  contended: number;
}

interface Lock {
  owner: Claim | null;
  queue: Claim[];
}

/** on one page, in lists that are sorted and filtered instead of linked. */
class Reference {
  readonly algorithm: WwAlgorithm;
  readonly locks: Lock[] = Array.from({ length: LOCKS }, () => ({ owner: null, queue: [] }));
  contexts: Claim[] = [];
  stamp = 0;
  /** Who was told to back off while it waited. */
  victims: Claim[] = [];

  constructor(algorithm: WwAlgorithm) {
    this.algorithm = algorithm;
  }

  held = (claim: Claim): number => this.locks.filter(({ owner }) => owner === claim).length;
  waitsFor = (claim: Claim): number => this.locks.findIndex(({ queue }) => queue.includes(claim));
  idle = (): Claim[] => this.contexts.filter((claim) => this.waitsFor(claim) < 0);

  claim(at: number, claim: Claim): number {
    const lock = this.locks[at] as Lock;
    const { owner, queue } = lock;
    if (owner === claim) return ALREADY;
    claim.contended = -1;
    if (owner === null) {
      lock.owner = claim;
      return ACQUIRED;
    }
    const holds = this.held(claim) > 0;
    const meets = [owner, ...queue].filter(({ stamp }) => stamp > 0);
    const dies =
      this.algorithm === "wait-die" ? meets.some(({ stamp }) => stamp < claim.stamp) : claim.wounded;
    if (holds && dies) {
      claim.contended = at;
      return DEADLOCK;
    }
    const younger = queue.filter(({ stamp }) => stamp > claim.stamp);
    if (this.algorithm === "wait-die")
      for (const other of younger) if (this.held(other) > 0) this.kill(other);
    const place = lock.queue.findIndex(({ stamp }) => stamp > claim.stamp);
    lock.queue.splice(place < 0 ? lock.queue.length : place, 0, claim);
    if (this.algorithm === "wound-wait" && owner.stamp > claim.stamp) {
      owner.wounded = true;
      if (this.waitsFor(owner) >= 0) this.kill(owner);
    }
    return WAITING;
  }

  kill(claim: Claim): void {
    const at = this.waitsFor(claim);
    const lock = this.locks[at] as Lock;
    lock.queue = lock.queue.filter((other) => other !== claim);
    claim.contended = at;
    this.victims.push(claim);
  }

  unlock(at: number): Claim | null {
    const lock = this.locks[at] as Lock;
    const owner = lock.owner as Claim;
    lock.owner = lock.queue.shift() ?? null;
    if (this.held(owner) === 0) owner.wounded = false;
    return lock.owner;
  }
}

/** Everything that can be seen is the same, and nobody who holds something waits behind an older context. */
function compare(model: Reference, machine: WwMachine): void {
  for (const [at, { owner, queue }] of model.locks.entries()) {
    expect(machine.isLocked(at)).toBe(owner !== null);
    expect(machine.holder(at)).toBe(owner?.party ?? -1);
    expect(machine.context(at)).toBe(owner !== null && owner.stamp > 0 ? owner.id : -1);
    expect(machine.waiters(at)).toEqual(queue.map(({ id }) => id));
    const stamps = queue.filter(({ stamp }) => stamp > 0).map(({ stamp }) => stamp);
    expect(stamps).toEqual([...stamps].sort((a, b) => a - b));
    if (model.algorithm === "wait-die")
      for (const claim of queue)
        if (claim.stamp > 0 && model.held(claim) > 0) {
          expect(stamps[0]).toBe(claim.stamp);
          expect(owner?.stamp === 0 || (owner?.stamp as number) > claim.stamp).toBe(true);
        }
  }
  for (const claim of model.contexts) {
    expect([machine.acquired(claim.id), machine.contended(claim.id)]).toEqual([
      model.held(claim),
      claim.contended,
    ]);
    expect(machine.outcome(claim.id) === WAITING).toBe(model.waitsFor(claim) >= 0);
  }
  const victims: number[] = [];
  for (let victim = machine.takeVictim(); victim >= 0; victim = machine.takeVictim()) victims.push(victim);
  expect(victims).toEqual(model.victims.map(({ id }) => id));
  for (const { id } of model.victims) expect(machine.outcome(id)).toBe(DEADLOCK);
  model.victims = [];
}

type Step = fc.Command<Reference, WwMachine>;

const picked = <T>(list: readonly T[], pick: number): T => list[pick % list.length] as T;

const step = (
  text: string,
  check: (model: Reference) => boolean,
  act: (model: Reference, machine: WwMachine) => void,
): Step => ({
  check,
  run: (model, machine) => {
    act(model, machine);
    compare(model, machine);
  },
  toString: () => text,
});

const anyIdle = (model: Reference): boolean => model.idle().length > 0;
const lockNumber = fc.nat(LOCKS - 1);
const pick = fc.nat(20);

const steps = [
  pick.map((party) =>
    step(
      `begin(${party})`,
      ({ contexts }) => contexts.length < 8,
      (model, machine) => {
        const claim = {
          id: machine.begin(party),
          stamp: ++model.stamp,
          party,
          wounded: false,
          contended: -1,
        };
        expect(machine.stamp(claim.id)).toBe(claim.stamp);
        model.contexts.push(claim);
      },
    ),
  ),
  ...[1, 2, 3].map(() =>
    fc.tuple(lockNumber, pick).map(([at, n]) =>
      step(`lock(${at}) by ${n}`, anyIdle, (model, machine) => {
        const claim = picked(model.idle(), n);
        expect(machine.lock(at, claim.id)).toBe(model.claim(at, claim));
      }),
    ),
  ),
  fc.tuple(lockNumber, pick).map(([at, n]) =>
    step(`back off and lockSlow, or (${at}), by ${n}`, anyIdle, (model, machine) => {
      const claim = picked(model.idle(), n);
      const wanted = claim.contended >= 0 ? claim.contended : at;
      for (const [own, { owner }] of model.locks.entries())
        if (owner === claim) expect(machine.unlock(own)).toBe(model.unlock(own)?.id ?? -1);
      const outcome = machine.lockSlow(wanted, claim.id);
      expect(outcome).toBe(model.claim(wanted, claim));
      expect(outcome).not.toBe(DEADLOCK);
    }),
  ),
  fc.tuple(lockNumber, pick).map(([at, party]) =>
    step(
      `lockPlain(${at}) by ${party}`,
      () => true,
      (model, machine) => {
        const id = machine.lockPlain(at, party);
        const claim = { id, stamp: 0, party, wounded: false, contended: -1 };
        const lock = model.locks[at] as Lock;
        expect(id < 0).toBe(lock.owner === null);
        if (lock.owner === null) lock.owner = claim;
        else lock.queue.push(claim);
      },
    ),
  ),
  fc.tuple(lockNumber, pick, fc.boolean()).map(([at, n, plain]) =>
    step(
      `trylock(${at}) by ${plain ? "none" : n}`,
      (model) => plain || anyIdle(model),
      (model, machine) => {
        const claim = plain
          ? { id: -1, stamp: 0, party: n, wounded: false, contended: -1 }
          : picked(model.idle(), n);
        const lock = model.locks[at] as Lock;
        expect(machine.trylock(at, claim.id, claim.party)).toBe(lock.owner === null);
        lock.owner ??= claim;
      },
    ),
  ),
  ...[1, 2, 3].map(() =>
    lockNumber.map((at) =>
      step(
        `unlock(${at})`,
        ({ locks }) => locks[at]?.owner != null,
        (model, machine) => {
          const next = model.unlock(at);
          expect(machine.unlock(at)).toBe(next?.id ?? -1);
          if (next?.stamp === 0) machine.forget(next.id);
        },
      ),
    ),
  ),
  fc.tuple(lockNumber, pick).map(([at, n]) =>
    step(
      `cancel a waiter ${n} of ${at}`,
      ({ locks }) => (locks[at] as Lock).queue.length > 0,
      (model, machine) => {
        const lock = model.locks[at] as Lock;
        const claim = picked(lock.queue, n);
        machine.cancel(claim.id);
        lock.queue = lock.queue.filter((other) => other !== claim);
        if (claim.stamp === 0) machine.forget(claim.id);
      },
    ),
  ),
  pick.map((n) =>
    step(`end ${n}`, anyIdle, (model, machine) => {
      const claim = picked(model.idle(), n);
      if (model.held(claim) > 0) return;
      machine.end(claim.id);
      model.contexts = model.contexts.filter((other) => other !== claim);
    }),
  ),
];

test.each<WwAlgorithm>(["wait-die", "wound-wait"])(
  "%s does what the reference does (R-2..R-7, R-12)",
  (algorithm) => {
    fc.assert(
      fc.property(fc.commands(steps, { maxCommands: 120 }), (commands) => {
        fc.modelRun(() => {
          const machine = new WwMachine(algorithm);
          for (let lock = 0; lock < LOCKS; lock++) machine.init(lock);
          return { model: new Reference(algorithm), real: machine };
        }, commands);
      }),
      { seed: 20261120, numRuns: 400 },
    );
  },
);
