// SPDX-License-Identifier: MIT
import type { ConcreteMachine, ConcreteState } from "./concrete-machine.ts";

/** What one byte of a concrete state is in, in the words that `describeByteState` uses for the engine's states. */
export function describeProjection(machine: ConcreteMachine, state: ConcreteState, address: number): string {
  const newest = machine.newestAt(state, address);
  const freshness = (value: number): string => (value === newest ? "fresh" : "stale");
  const words = [`memory ${freshness(machine.memoryAt(state, address))}`];
  machine.domains.forEach(({ name }, domain) => {
    const copy = machine.copyAt(state, domain, address);
    const tag = machine.isDirty(state, domain, address) ? "dirty" : "clean";
    words.push(`${name} ${copy === null ? "absent" : `${tag}-${freshness(copy)}`}`);
  });
  return words.join(", ");
}

/** The distinct projections of some states, ascending. */
export function describeProjections(
  machine: ConcreteMachine,
  states: Iterable<ConcreteState>,
  address: number,
): string[] {
  const distinct = new Set<string>();
  for (const state of states) distinct.add(describeProjection(machine, state, address));
  return [...distinct].sort();
}
