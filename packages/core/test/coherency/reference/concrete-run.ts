// SPDX-License-Identifier: MIT
import type { DomainSpec, LitmusProgram, LitmusStep } from "../../../src/coherency.ts";
import { type ConcreteDomain, ConcreteMachine, type ConcreteOperation } from "./concrete-machine.ts";
import { Exploration, type SetId, type Transition } from "./exploration.ts";

/** The domains of a program, with every default filled in. */
export function concreteDomains(domains: Readonly<Record<string, DomainSpec>>): ConcreteDomain[] {
  const names = Object.keys(domains);
  return Object.entries(domains).map(
    ([name, { line, speculates = true, evicts = true, behind, exclusive = false }]) => ({
      name,
      line,
      speculates,
      evicts,
      behind: behind === undefined ? -1 : names.indexOf(behind),
      exclusive,
    }),
  );
}

/** A step of a program as the concrete machine knows it. */
export function concreteOperation(program: LitmusProgram, step: LitmusStep): ConcreteOperation {
  const names = Object.keys(program.domains);
  const [start, end] = step.range;
  if (!("agent" in step)) {
    return { kind: step.op, route: null, domain: names.indexOf(step.domain), start, end };
  }
  const spec = program.agents[step.agent];
  if (spec === undefined) throw new TypeError(`no agent ${step.agent}`);
  if (spec.route === "direct") return { kind: step.op, route: "direct", domain: -1, start, end };
  const allocates = spec.route === "snoop" && spec.writes === "allocate";
  const route = allocates ? "snoop-allocate" : spec.route;
  return { kind: step.op, route, domain: names.indexOf(spec.domain), start, end };
}

const explorations = new Map<string, Exploration>();

/** The exploration of a machine of one widest line; machines that are alike share what was found out about them. */
function explorationOf(domains: readonly ConcreteDomain[]): Exploration {
  const key = JSON.stringify(domains);
  let exploration = explorations.get(key);
  if (exploration === undefined || exploration.size > 50_000) {
    exploration = new Exploration(
      new ConcreteMachine(domains, Math.max(1, ...domains.map(({ line }) => line))),
    );
    explorations.set(key, exploration);
  }
  return exploration;
}

/** One widest line through a program: lines that wide have nothing to do with each other. */
export interface UnitRun {
  readonly exploration: Exploration;
  /** Address of the line. */
  readonly address: number;
  /** The steps that meet it, with their ranges relative to it. */
  readonly steps: readonly {
    readonly step: number;
    readonly operation: ConcreteOperation;
    readonly before: SetId;
    readonly transition: Transition;
  }[];
}

/** Every execution of a program, one widest line at a time. */
export function runConcretely(program: LitmusProgram): UnitRun[] {
  const exploration = explorationOf(concreteDomains(program.domains));
  const { size } = exploration.machine;
  const units: UnitRun[] = [];
  for (let address = 0; address < program.buffer.size; address += size) {
    let set = exploration.initial;
    const steps: UnitRun["steps"][number][] = [];
    program.steps.forEach((each, step) => {
      const operation = concreteOperation(program, each);
      const start = Math.max(0, operation.start - address);
      const end = Math.min(size, operation.end - address);
      if (start >= end) return;
      const clipped = { ...operation, start, end };
      const transition = exploration.after(set, clipped);
      steps.push({ step, operation: clipped, before: set, transition });
      set = transition.next;
    });
    units.push({ exploration, address, steps });
  }
  return units;
}

/** The addresses of a unit's bytes whose bits are set. */
export function addressesOf({ address }: UnitRun, mask: number): number[] {
  const addresses: number[] = [];
  for (let bit = 0; bit < 31; bit++) if ((mask >>> bit) & 1) addresses.push(address + bit);
  return addresses;
}
