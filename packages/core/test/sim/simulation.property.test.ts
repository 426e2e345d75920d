// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Process, Simulation, WaitQueue } from "../../src/sim.ts";

/** What one task does: sleep, wake all others, or wait with a timeout. */
const action = fc.oneof(
  fc.record({ op: fc.constant("sleep" as const), ns: fc.nat(5) }),
  fc.record({ op: fc.constant("wake" as const), ns: fc.constant(0) }),
  fc.record({ op: fc.constant("wait" as const), ns: fc.integer({ min: 1, max: 6 }) }),
);
const program = fc.array(fc.array(action, { maxLength: 12 }), { minLength: 1, maxLength: 6 });
type Program = (typeof program extends fc.Arbitrary<infer T> ? T : never) & object;

function play(tasks: Program): string[] {
  const simulation = new Simulation();
  const queue = new WaitQueue(simulation, "the bell");
  const log: string[] = [];
  const worker = function* (name: string, actions: Program[number]): Process {
    let bells = 0;
    for (const { op, ns } of actions) {
      if (op === "sleep") yield ns;
      else if (op === "wake") queue.wakeAll();
      else yield* queue.waitUntil(() => bells++ > 0, { timeout: ns });
      bells = 0;
      log.push(`${name} ${op} ${simulation.now}`);
    }
  };
  for (const [i, actions] of tasks.entries()) simulation.spawn(`t${i}`, worker(`t${i}`, actions));
  expect(simulation.run().blocked).toEqual([]);
  return log;
}

test("the same program gives the same run, time never goes back, and nothing waits past its timeout", () => {
  fc.assert(
    fc.property(program, (tasks) => {
      const log = play(tasks);
      expect(play(tasks)).toEqual(log);
      expect(log.length).toBe(tasks.flat().length);
      const times = log.map((line) => Number(line.split(" ")[2]));
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      const longest = Math.max(...tasks.map((actions) => actions.reduce((sum, { ns }) => sum + ns, 0)));
      expect(Math.max(0, ...times)).toBeLessThanOrEqual(longest);
    }),
    { seed: 20261120, numRuns: 300 },
  );
});

test("sleepers alone run in the order of a sorted list of (wake-up time, order of going to sleep)", () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.nat(4), { minLength: 1, maxLength: 8 }), { maxLength: 8 }), (delays) => {
      const simulation = new Simulation();
      const log: string[] = [];
      const sleeper = function* (name: number): Process {
        for (const ns of delays[name] as number[]) {
          yield ns;
          log.push(`${name}@${simulation.now}`);
        }
      };
      for (const name of delays.keys()) simulation.spawn(`s${name}`, sleeper(name));
      simulation.run();

      const expected: string[] = [];
      const due = delays.map((_, name) => ({ name, time: 0, at: -1 }));
      while (due.length > 0) {
        const next = due.reduce((a, b) => (b.time < a.time ? b : a));
        due.splice(due.indexOf(next), 1);
        if (next.at >= 0) expected.push(`${next.name}@${next.time}`);
        const ns = delays[next.name]?.[next.at + 1];
        if (ns !== undefined) due.push({ name: next.name, time: next.time + ns, at: next.at + 1 });
      }
      expect(log).toEqual(expected);
    }),
    { seed: 20261120, numRuns: 300 },
  );
});
