// SPDX-License-Identifier: MIT
import {
  AnalysisMachine,
  Extents,
  type Hazard,
  type LitmusProgram,
  type LitmusStep,
  type MemoryMachine,
  Topology,
} from "../../../src/coherency.ts";

/** The topology of a program. */
export function topologyOf({ domains, agents }: LitmusProgram): Topology {
  return new Topology({ domains, agents });
}

/** Performs one step of a program on a machine. */
export function performStep(machine: MemoryMachine, step: LitmusStep, extents: Extents): void {
  const { topology } = machine;
  if ("agent" in step) machine.access(topology.agent(step.agent), step.op, extents);
  else machine.maintain(step.op, topology.domain(step.domain), extents);
}

/** Runs a program on the analysis machine, and gives the machine and what it reported. */
export function analyse(
  program: LitmusProgram,
  extentsOf: (step: LitmusStep) => Extents = ({ range }) => Extents.of(range),
): { machine: AnalysisMachine; hazards: Hazard[] } {
  const hazards: Hazard[] = [];
  const machine = new AnalysisMachine(topologyOf(program), (hazard) => hazards.push(hazard));
  for (const step of program.steps) performStep(machine, step, extentsOf(step));
  return { machine, hazards };
}

/** A step's range cut into pieces of up to three bytes, in an order that the seed gives, and the first of them twice. */
export function scrambled({ range: [start, end] }: LitmusStep, seed: number): Extents {
  const pieces: [number, number][] = [];
  for (let at = start; at < end; ) {
    const next = Math.min(end, at + 1 + ((seed + at) % 3));
    pieces.push([at, next]);
    at = next;
  }
  pieces.sort((a, b) => ((a[0] * 7 + seed) % 11) - ((b[0] * 7 + seed) % 11));
  pieces.push(pieces[0] as [number, number]);
  return new Extents(Float64Array.from(pieces.flat()));
}

/** Every address in flat pairs of start and end. */
export function addressesIn(pairs: Float64Array): number[] {
  const addresses: number[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    for (let at = pairs[i] as number; at < (pairs[i + 1] as number); at++) addresses.push(at);
  }
  return addresses;
}
