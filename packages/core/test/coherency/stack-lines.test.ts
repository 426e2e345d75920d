// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { ConcreteMachine, type ConcreteOperation } from "./reference/concrete-machine.ts";
import { Exploration } from "./reference/exploration.ts";
import { describeProjections } from "./reference/projection.ts";

/** A wide line behind two narrow ones, and what a program leaves of byte 0. */
function byteAfter(steps: readonly ConcreteOperation[]): { states: string[]; endangered: boolean } {
  const cache = { speculates: false, evicts: true, exclusive: false };
  const machine = new ConcreteMachine(
    [
      { ...cache, name: "inner", line: 1, behind: 1 },
      { ...cache, name: "outer", line: 2, behind: -1 },
    ],
    2,
  );
  const exploration = new Exploration(machine);
  let set = exploration.initial;
  for (const step of steps) set = exploration.after(set, step).next;
  return {
    states: describeProjections(machine, exploration.states(set), 0),
    endangered: (exploration.endangered(set) & 1) === 1,
  };
}

const write: ConcreteOperation = { kind: "write", route: "cached", domain: 0, start: 1, end: 2 };
const clean: ConcreteOperation = { kind: "clean", route: null, domain: 0, start: 1, end: 2 };
const flush: ConcreteOperation = { kind: "flush", route: null, domain: 1, start: 0, end: 2 };
const device: ConcreteOperation = { kind: "write", route: "direct", domain: -1, start: 0, end: 1 };

// Why Topology refuses lines of two sizes in one stack: no table over the states of single bytes can judge them.
describe("a wide line behind narrow ones", () => {
  it("leaves a byte alike whether the narrow line beside it is still dirty or not", () => {
    expect(byteAfter([write, clean]).states).toEqual(byteAfter([write, clean, write]).states);
  });

  it("and yet the same operations on that byte end differently", () => {
    expect(byteAfter([write, clean, flush, device]).endangered).toBe(false);
    expect(byteAfter([write, clean, write, flush, device]).endangered).toBe(true);
  });
});
