// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import {
  ACQUIRED,
  ALREADY,
  DEADLOCK,
  DeadlockInjection,
  WAITING,
  type WwAlgorithm,
  WwMachine,
} from "../../src/sync.ts";

const NONE = -1;

function machineOf(algorithm: WwAlgorithm, locks = 4): WwMachine {
  const machine = new WwMachine(algorithm);
  for (let lock = 0; lock < locks; lock++) machine.init(lock);
  return machine;
}

/** Lock X is the contended one; a requester that holds something holds Y. */
const [X, Y, Z] = [0, 1, 2];

describe("G.3, wait-die: who claims X, and what comes of it", () => {
  type Party = "older" | "younger" | "none";
  const names = { [ACQUIRED]: "acquired", [WAITING]: "waits", [DEADLOCK]: "EDEADLK", [ALREADY]: "EALREADY" };
  test.each<[holder: Party | "free", requester: Party, holds: number, outcome: string]>([
    ["free", "older", 0, "acquired"],
    ["free", "younger", 1, "acquired"],
    ["free", "none", 0, "acquired"],
    ["older", "younger", 0, "waits"],
    ["older", "younger", 1, "EDEADLK"],
    ["younger", "older", 0, "waits"],
    ["younger", "older", 1, "waits"],
    ["younger", "younger", 1, "EALREADY"],
    ["none", "older", 1, "waits"],
    ["none", "younger", 1, "waits"],
    ["older", "none", 0, "waits"],
    ["younger", "none", 1, "waits"],
    ["none", "none", 0, "waits"],
  ])("%s holds it, %s with %i others asks: %s (R-3, R-5)", (holder, requester, holds, outcome) => {
    const machine = machineOf("wait-die");
    const contexts = { older: machine.begin(0), younger: machine.begin(1) };
    if (holder === "none") machine.lockPlain(X, 7);
    else if (holder !== "free") machine.lock(X, contexts[holder]);
    if (requester === "none") {
      if (holds > 0) machine.lockPlain(Y, 8);
      expect(machine.lockPlain(X, 8) === NONE ? "acquired" : "waits").toBe(outcome);
      return;
    }
    const claim = contexts[requester];
    if (holds > 0) machine.lock(Y, claim);
    expect(names[machine.lock(X, claim)]).toBe(outcome);
    expect(machine.takeVictim()).toBe(NONE);
    expect(machine.contended(claim)).toBe(outcome === "EDEADLK" ? X : NONE);
  });

  test("its own lock is refused to a trying owner as well, EALREADY or not (R-7)", () => {
    const machine = machineOf("wait-die");
    const context = machine.begin(0);
    machine.lock(X, context);
    expect([machine.trylock(X, context, 0), machine.trylock(X, NONE, 0)]).toEqual([false, false]);
    expect(machine.trylock(Y, context, 0)).toBe(true);
    expect([machine.acquired(context), machine.context(Y), machine.holder(Y)]).toEqual([2, context, 0]);
  });
});

describe("A.6: A older than B; A holds X, B holds Y; each wants the other's", () => {
  test("wait-die: A waits, B backs off, takes X when A is done (R-3, R-6)", () => {
    const machine = machineOf("wait-die");
    const [a, b] = [machine.begin(0), machine.begin(1)];
    expect([machine.lock(X, a), machine.lock(Y, b)]).toEqual([ACQUIRED, ACQUIRED]);
    expect(machine.lock(Y, a)).toBe(WAITING);
    expect(machine.lock(X, b)).toBe(DEADLOCK);
    expect(machine.contended(b)).toBe(X);
    expect(machine.unlock(Y)).toBe(a);
    expect(machine.outcome(a)).toBe(ACQUIRED);
    expect(machine.lockSlow(X, b)).toBe(WAITING);
    expect([machine.unlock(Y), machine.unlock(X)]).toEqual([NONE, b]);
    expect([machine.lock(Y, b), machine.contended(b)]).toEqual([ACQUIRED, NONE]);
  });

  test("wait-die: with nothing held B waits and never dies, whoever comes", () => {
    const machine = machineOf("wait-die");
    const [older, a, b] = [machine.begin(2), machine.begin(0), machine.begin(1)];
    machine.lock(X, a);
    expect(machine.lock(X, b)).toBe(WAITING);
    machine.lock(Z, older);
    expect([machine.lock(X, older), machine.takeVictim()]).toEqual([WAITING, NONE]);
    expect(machine.waiters(X)).toEqual([older, b]);
  });

  test("wound-wait: B is wounded and backs off at the next lock that is taken (R-4)", () => {
    const machine = machineOf("wound-wait");
    const [a, b, c] = [machine.begin(0), machine.begin(1), machine.begin(2)];
    machine.lock(X, a);
    machine.lock(Y, b);
    machine.lock(Z, c);
    expect([machine.lock(Y, a), machine.takeVictim()]).toEqual([WAITING, NONE]);
    // A free lock it still gets.
    expect(machine.lock(3, b)).toBe(ACQUIRED);
    expect([machine.lock(Z, b), machine.contended(b)]).toEqual([DEADLOCK, Z]);
  });

  test("wound-wait: one that never asks again completes, and is whole in its next round", () => {
    const machine = machineOf("wound-wait");
    const [a, b, c] = [machine.begin(0), machine.begin(1), machine.begin(2)];
    machine.lock(X, a);
    machine.lock(Y, b);
    machine.lock(Y, a);
    expect(machine.unlock(Y)).toBe(a);
    machine.lock(Z, b);
    machine.lock(3, c);
    expect(machine.lock(3, b)).toBe(WAITING);
  });

  test("wound-wait: a younger holder that waits elsewhere is taken out of that queue", () => {
    const machine = machineOf("wound-wait");
    const [a, b] = [machine.begin(0), machine.begin(1)];
    machine.lock(Y, b);
    machine.lockPlain(Z, 9);
    expect(machine.lock(Z, b)).toBe(WAITING);
    machine.lock(X, a);
    expect(machine.lock(Y, a)).toBe(WAITING);
    expect([machine.takeVictim(), machine.takeVictim()]).toEqual([b, NONE]);
    expect([machine.outcome(b), machine.contended(b), machine.waiters(Z)]).toEqual([DEADLOCK, Z, []]);
  });
});

describe("the queue (R-12)", () => {
  test("contexts stand by age, who has none keeps its place and comes behind those that are there", () => {
    const machine = machineOf("wait-die");
    const [c1, c2, c3] = [machine.begin(1), machine.begin(2), machine.begin(3)];
    machine.lockPlain(X, 9);
    machine.lock(X, c3);
    const plain = machine.lockPlain(X, 8);
    machine.lock(X, c1);
    machine.lock(X, c2);
    const last = machine.lockPlain(X, 7);
    expect(machine.waiters(X)).toEqual([c1, c2, c3, plain, last]);
    expect(machine.stamp(plain)).toBe(0);
    const order = [];
    for (let next = machine.unlock(X); next !== NONE; next = machine.unlock(X)) {
      order.push(next);
      expect(machine.holder(X)).toBe(machine.party(next));
    }
    expect(order).toEqual([c1, c2, c3, plain, last]);
    expect(machine.isLocked(X)).toBe(false);
  });

  test("a younger one with locks dies when an older one comes to wait, and does not wait behind one", () => {
    const machine = machineOf("wait-die");
    const [older, younger] = [machine.begin(0), machine.begin(1)];
    machine.lockPlain(X, 9);
    machine.lock(Y, younger);
    expect(machine.lock(X, younger)).toBe(WAITING);
    expect(machine.lock(X, older)).toBe(WAITING);
    expect([machine.takeVictim(), machine.outcome(younger), machine.contended(younger)]).toEqual([
      younger,
      DEADLOCK,
      X,
    ]);
    expect(machine.waiters(X)).toEqual([older]);
    expect(machine.lock(X, younger)).toBe(DEADLOCK);
    expect(machine.waiters(X)).toEqual([older]);
  });

  test("who gives up leaves the others in order", () => {
    const machine = machineOf("wound-wait");
    const claims = [machine.begin(0), machine.begin(1), machine.begin(2)] as const;
    machine.lockPlain(X, 9);
    for (const claim of claims) machine.lock(X, claim);
    machine.cancel(claims[0]);
    expect(machine.waiters(X)).toEqual([claims[1], claims[2]]);
    machine.cancel(claims[2]);
    machine.cancel(claims[1]);
    expect([machine.waiters(X), machine.unlock(X)]).toEqual([[], NONE]);
  });
});

describe("injection (R-11)", () => {
  const run = (seed: number): string[] => {
    const machine = machineOf("wait-die", 1000);
    machine.inject(new DeadlockInjection(seed));
    return [0, 1].map((party) => {
      const claim = machine.begin(party);
      const refused: number[] = [];
      for (let lock = 0; lock < 1000; lock++) {
        if (machine.lock(lock, claim) !== DEADLOCK) continue;
        refused.push(lock);
        expect(machine.contended(claim)).toBe(lock);
      }
      for (let lock = 0; lock < 1000; lock++) if (machine.isLocked(lock)) machine.unlock(lock);
      machine.end(claim);
      return refused.join();
    });
  };

  test("refuses free locks to who holds something, ever more seldom, by the seed alone", () => {
    const [first = ""] = run(3);
    const refused = first.split(",").map(Number);
    expect(refused.length).toBe(5);
    expect(refused[0]).toBeGreaterThan(0);
    const gaps = refused.slice(1).map((lock, i) => lock - (refused[i] as number));
    expect(gaps).toEqual([5, 17, 65, 257]);
    expect(run(3)).toEqual(run(3));
    expect(new Set([0, 1, 2, 3, 4, 5].map((seed) => run(seed).join(" "))).size).toBeGreaterThan(2);
  });

  test("spares who began before it was switched on, and who comes the slow way", () => {
    const machine = machineOf("wait-die", 100);
    const before = machine.begin(0);
    machine.inject(new DeadlockInjection(1));
    for (let lock = 0; lock < 50; lock++) expect(machine.lock(lock, before)).toBe(ACQUIRED);
    const after = machine.begin(1);
    for (let lock = 50; lock < 100; lock++) expect(machine.lockSlow(lock, after)).toBe(ACQUIRED);
    machine.inject(null);
    expect(machine.lock(0, before)).toBe(ALREADY);
  });
});
