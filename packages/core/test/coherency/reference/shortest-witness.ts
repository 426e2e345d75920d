// SPDX-License-Identifier: MIT
import type { LitmusProgram } from "../../../src/coherency.ts";
import { ConcreteMachine, type ConcreteOperation, type ConcreteState } from "./concrete-machine.ts";
import { concreteDomains, concreteOperation } from "./concrete-run.ts";
import { Exploration } from "./exploration.ts";
import { describeProjection } from "./projection.ts";

/** What the shortest witness has to show at a step of a program, for one byte. */
export interface Question {
  readonly program: LitmusProgram;
  readonly byte: number;
  readonly step: number;
  readonly kind: "stale" | "lost";
  /** The step that must drop the newest value on the way. */
  readonly discardedAt?: number;
}

interface Node {
  /** How many of the operations on the byte are done. */
  readonly done: number;
  readonly state: ConcreteState;
}

/**
 * The length of the shortest witness, by trying all in order of length: from every moment at which the program can have
 * memory fresh and the byte cached nowhere, every event and every outcome of every operation. An operation that does
 * nothing to the byte is free unless it is the last. The byte is byte 0 of a machine with lines of two bytes, and
 * operations on its neighbours are operations on byte 1. Null when there is none.
 */
export function shortestWitness({ program, byte, step: last, kind, discardedAt }: Question): number | null {
  const real = concreteDomains(program.domains);
  const machine = new ConcreteMachine(
    real.map((domain) => ({ ...domain, line: 2 })),
    2,
  );
  const operations: ConcreteOperation[] = [];
  let discard = -1;
  program.steps.slice(0, last + 1).forEach((each, step) => {
    const operation = concreteOperation(program, each);
    const line = real[operation.domain]?.line ?? 1;
    const low = byte - (byte % line);
    const inRange = byte >= operation.start && byte < operation.end;
    if (low + line <= operation.start || low >= operation.end) return;
    if (step === discardedAt) discard = operations.length;
    operations.push({ ...operation, start: inRange ? 0 : 1, end: inRange ? 1 : 2 });
  });

  const nobody = describeProjection(machine, machine.initial(), 0);
  const exploration = new Exploration(machine);
  const queues: Node[][] = [[]];
  const add = (cost: number, done: number, state: ConcreteState): void => {
    machine.renumber(state, 0);
    machine.renumber(state, 1);
    while (queues.length <= cost) queues.push([]);
    queues[cost]?.push({ done, state });
  };
  let set = exploration.initial;
  for (let done = 0; done < operations.length; done++) {
    if (exploration.states(set).some((state) => describeProjection(machine, state, 0) === nobody)) {
      add(0, done, machine.initial());
    }
    set = exploration.after(set, operations[done] as ConcreteOperation).next;
  }

  const visited = new Set<string>();
  for (let cost = 0; cost < queues.length; cost++) {
    for (const { done, state } of queues[cost] as Node[]) {
      const key = `${done} ${state.join()}`;
      if (visited.has(key)) continue;
      visited.add(key);
      const lostBefore = machine.isLost(state, 0);
      if (done === operations.length && lostBefore) return cost;
      for (const event of machine.events(state)) add(cost + 1, done, event.state);
      const operation = operations[done];
      if (operation === undefined) continue;
      const isLast = done === operations.length - 1;
      const value = (address: number): number => machine.newestAt(state, address) + 1;
      for (const outcome of machine.outcomes(state, operation, value)) {
        if (isLast && kind === "stale") {
          const [observed] = outcome.observed;
          if (operation.start === 0 && observed !== machine.newestAt(state, 0)) return cost + 1;
          continue;
        }
        const lostAfter = machine.isLost(outcome.state, 0);
        if (isLast && lostBefore && lostAfter) continue;
        if (done === discard && (lostBefore || !lostAfter)) continue;
        const same = describeProjection(machine, outcome.state, 0) === describeProjection(machine, state, 0);
        add(cost + (isLast || !same ? 1 : 0), done + 1, outcome.state);
      }
    }
  }
  return null;
}
