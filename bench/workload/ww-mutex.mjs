// SPDX-License-Identifier: MIT
import { cpuTime } from "../cpu-time.mjs";
import { xorshift } from "../xorshift.mjs";

const ACTORS = 256;
const LOCKS = 1024;
const NEEDS = 64;
const TRANSACTIONS = 20;

export const title =
  "wound/wait mutexes: 256 contexts, each 20 times 64 of 1024 locks, the state machine alone";

/** The median of three runs, as the peer's, after two to warm up; each on a machine of its own. */
const ours = (algorithm) => ({
  run(core) {
    const run = () => {
      const { cpu_ms, result } = cpuTime(() => new Workload(core, algorithm).run());
      return { cpu_ms, ...result };
    };
    run();
    run();
    return [run(), run(), run()].sort((a, b) => a.cpu_ms - b.cpu_ms)[1];
  },
});

const peer = (algorithm) => ({
  peer: "ww-mutex",
  options: { algorithm, actors: ACTORS, locks: LOCKS, needs: NEEDS, transactions: TRANSACTIONS },
});

export const programs = {
  "ours, wait-die": ours("wait-die"),
  "C++, wait-die": peer("wait-die"),
  "ours, wound-wait": ours("wound-wait"),
  "C++, wound-wait": peer("wound-wait"),
};

export const rows = ["wait-die", "wound-wait"].map((algorithm) => ({
  label: `${algorithm}, C++ with intrusive lists`,
  ours: `ours, ${algorithm}`,
  peers: [`C++, ${algorithm}`],
  compare: "time",
  floor: 4,
  goal: 2.5,
}));

/** Both made the same steps with the same outcomes, or a sentence that says otherwise. */
export function disagreements(results) {
  return ["wait-die", "wound-wait"].flatMap((algorithm) => {
    const [mine, theirs] = [results[`ours, ${algorithm}`], results[`C++, ${algorithm}`]];
    const same = (field) => theirs === undefined || mine[field] === theirs[field];
    if (["steps", "backoffs", "trace"].every(same)) return [];
    const told = ({ steps, backoffs, trace }) => `${steps} steps, ${backoffs} back-offs, trace ${trace}`;
    return [`${algorithm}: ours ${told(mine)}; C++ ${told(theirs)}`];
  });
}

/**
 * The actors that use the locks: what `peers/ww-mutex.cpp` does, in the same order. Actors and their contexts are kept in
 * flat arrays, and what is runnable in a ring, so that the state machine is what is measured.
 */
class Workload {
  constructor({ WwMachine, ACQUIRED, WAITING, DEADLOCK }, algorithm) {
    this.machine = new WwMachine(algorithm);
    this.outcomes = { ACQUIRED, WAITING, DEADLOCK };
    for (let lock = 0; lock < LOCKS; lock++) this.machine.init(lock);
    this.needs = new Int32Array(ACTORS * NEEDS);
    this.claims = new Int32Array(ACTORS);
    this.transactions = new Int32Array(ACTORS);
    this.refused = new Uint8Array(ACTORS);
    // An actor is runnable at most once.
    this.ring = new Int32Array(ACTORS);
    this.first = 0;
    this.runnable = 0;
    this.random = xorshift(2024);
    this.backoffs = 0;
    this.trace = 0;
  }

  run() {
    let steps = 0;
    for (let actor = 0; actor < ACTORS; actor++) this.begin(actor);
    while (this.runnable > 0) {
      const actor = this.ring[this.first];
      this.first = (this.first + 1) % ACTORS;
      this.runnable--;
      steps++;
      this.step(actor);
    }
    return { steps, backoffs: this.backoffs, trace: this.trace >>> 0 };
  }

  push(actor) {
    this.ring[(this.first + this.runnable) % ACTORS] = actor;
    this.runnable++;
  }

  begin(actor) {
    // The machine's parties are the actors.
    this.claims[actor] = this.machine.begin(actor);
    const { needs } = this;
    const start = actor * NEEDS;
    for (let end = start; end < start + NEEDS; ) {
      const lock = (this.random() >>> 1) % LOCKS;
      let at = start;
      while (at < end && needs[at] !== lock) at++;
      if (at === end) needs[end++] = lock;
    }
    this.push(actor);
  }

  step(actor) {
    const { machine, outcomes } = this;
    if (this.refused[actor] === 1) {
      this.backOff(actor);
      return;
    }
    const claim = this.claims[actor];
    const held = machine.acquired(claim);
    if (held === NEEDS) {
      this.release(actor, NEEDS);
      machine.end(claim);
      if (++this.transactions[actor] < TRANSACTIONS) this.begin(actor);
      return;
    }
    const wanted = this.needs[actor * NEEDS + held];
    const outcome = machine.lock(wanted, claim);
    this.trace = (Math.imul(this.trace, 31) + wanted * 4 + outcome) | 0;
    const victim = machine.takeVictim();
    if (victim >= 0) {
      const loser = machine.party(victim);
      this.refused[loser] = 1;
      this.push(loser);
    }
    if (outcome === outcomes.WAITING) return;
    if (outcome === outcomes.DEADLOCK) this.refused[actor] = 1;
    this.push(actor);
  }

  /** Gives everything back; the contended lock is the first one of the next try. */
  backOff(actor) {
    const held = this.machine.acquired(this.claims[actor]);
    this.refused[actor] = 0;
    this.backoffs++;
    this.release(actor, held);
    const start = actor * NEEDS;
    const contended = this.needs[start + held];
    this.needs.copyWithin(start + 1, start, start + held);
    this.needs[start] = contended;
    this.push(actor);
  }

  release(actor, count) {
    const { machine, needs } = this;
    for (let at = actor * NEEDS; at < actor * NEEDS + count; at++) {
      const next = machine.unlock(needs[at]);
      if (next >= 0) this.push(machine.party(next));
    }
  }
}
