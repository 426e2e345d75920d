// SPDX-License-Identifier: MIT

import { expect, it } from "vitest";
import { isCopy } from "../../src/coherency/operation.ts";
import { spontaneousEvents } from "../../src/coherency/spontaneous-event.ts";
import {
  byteStateCount,
  type DomainSpec,
  describeByteState,
  Topology,
  TransitionTable,
} from "../../src/coherency.ts";
import { ConcreteMachine, type ConcreteState } from "./reference/concrete-machine.ts";
import { concreteDomains } from "./reference/concrete-run.ts";
import { describeProjection } from "./reference/projection.ts";

const texts = (list: readonly string[]): string => [...new Set(list)].sort().join("\n");

/**
 * The lemma behind exactness. On every concrete state that any program of any length can reach, what an event or an
 * operation may do to a byte depends on nothing but the byte's projection, and is what the engine says. So the sets that
 * the engine tracks are the projections of the sets of concrete states, by induction over programs.
 */
function checkEveryState(specs: readonly DomainSpec[], size: number): { states: number; checks: number } {
  const named = Object.fromEntries(specs.map((spec, i) => [`d${i}`, spec]));
  const table = new TransitionTable(new Topology({ domains: named }));
  const { domains } = table.topology;
  const machine = new ConcreteMachine(concreteDomains(named), size);
  const byteStates = new Map<string, number>();
  for (let state = 0; state < byteStateCount(domains.length); state++) {
    byteStates.set(describeByteState(state, domains), state);
  }

  const found = new Map<string, ConcreteState>();
  const add = (state: ConcreteState): void => {
    for (let address = 0; address < size; address++) machine.renumber(state, address);
    const key = String.fromCharCode(...state);
    if (!found.has(key)) found.set(key, state);
  };
  let checks = 0;
  const known = new Map<string, string>();
  const compare = (what: string, reference: readonly string[], engine: () => readonly string[]): void => {
    checks++;
    let expected = known.get(what);
    if (expected === undefined) {
      expected = texts(engine());
      known.set(what, expected);
    }
    const actual = texts(reference);
    if (actual !== expected) expect(`${what}\n${actual}`).toBe(`${what}\n${expected}`);
  };

  const ranges: [number, number][] = [];
  for (let start = 0; start < size; start++) {
    for (let end = start + 1; end <= size; end++) ranges.push([start, end]);
  }
  const addresses = Array.from({ length: size }, (_, address) => address);
  add(machine.initial());
  for (const state of found.values()) {
    const projections = addresses.map((address) => describeProjection(machine, state, address));
    const events = machine.events(state);
    for (const event of events) add(event.state);
    for (const address of addresses) {
      const before = projections[address] as string;
      const happened = events.map(({ event, domain, line, state: next }) => {
        const own = line === address - (address % (domains[domain]?.line ?? 1));
        return own ? `${event} ${domain}: ${describeProjection(machine, next, address)}` : "";
      });
      compare(before, happened.filter(Boolean), () =>
        spontaneousEvents(byteStates.get(before) as number, domains).map(
          ({ event, domain, state: next }) => `${event} ${domain.index}: ${describeByteState(next, domains)}`,
        ),
      );
    }
    for (const operation of table.operations.operations) {
      if (isCopy(operation)) continue;
      const { kind, route, domain } = operation;
      const line = domain?.line ?? 1;
      for (const [start, end] of ranges) {
        const outcomes = machine.outcomes(
          state,
          { kind, route: route?.kind ?? null, domain: domain?.index ?? -1, start, end },
          (address) => machine.newestAt(state, address) + 1,
        );
        for (const address of addresses) {
          const before = projections[address] as string;
          const inRange = address >= start && address < end;
          const low = address - (address % line);
          const column = low < end && low + line > start ? table.column(operation, !inRange) : -1;
          const seen = outcomes.map(({ state: next, observed }) => {
            const value = inRange ? observed[address - start] : undefined;
            const stale = value !== undefined && value !== machine.newestAt(state, address);
            return `${stale ? "stale: " : ""}${describeProjection(machine, next, address)}`;
          });
          compare(`${before}, then ${column}`, seen, () => {
            if (column < 0) return [before];
            const own = table.outcomes(byteStates.get(before) as number, column);
            return own.map(
              ({ state: next, stale }) => `${stale ? "stale: " : ""}${describeByteState(next, domains)}`,
            );
          });
        }
        for (const outcome of outcomes) add(outcome.state);
      }
    }
  }
  return { states: found.size, checks };
}

const kinds: DomainSpec[] = [
  { line: 2 },
  { line: 2, speculates: false },
  { line: 2, evicts: false },
  { line: 2, speculates: false, evicts: false },
];
const cases: [DomainSpec[], number, number][] = [
  ...kinds.map((kind): [DomainSpec[], number, number] => [[kind], 2, 25]),
  [[{ line: 4 }], 4, 337],
  ...kinds.flatMap((first, i) =>
    kinds.slice(i).map((second): [DomainSpec[], number, number] => [[first, second], 2, 735]),
  ),
  [[{ line: 2 }, { line: 1 }], 2, 1665],
  [[{ line: 1 }, { line: 1 }, { line: 1 }], 1, 563],
];

const stacks: [DomainSpec[], number, number][] = [
  // A slot in front never drops a clean line for the outer domain to take.
  ...kinds.flatMap((inner) =>
    kinds.flatMap((outer): [DomainSpec[], number, number][] => [
      [[{ ...inner, behind: "d1" }, outer], 2, 625],
      [
        [
          { ...inner, behind: "d1" },
          { ...outer, exclusive: true },
        ],
        2,
        inner.evicts === false ? 625 : 696,
      ],
    ]),
  ),
  [[{ line: 2 }, { line: 2, behind: "d0" }], 2, 625],
  ...[
    { specs: [{ line: 1, behind: "d1" }, { line: 1, behind: "d2" }, { line: 1 }], states: 434 },
    {
      specs: [
        { line: 1, behind: "d1" },
        { line: 1, behind: "d2", exclusive: true },
        { line: 1, exclusive: true },
      ],
      states: 534,
    },
    {
      specs: [
        { line: 1, behind: "d2" },
        { line: 1, behind: "d2" },
        { line: 1, exclusive: true },
      ],
      states: 574,
    },
    { specs: [{ line: 1, behind: "d1" }, { line: 1 }, { line: 1 }], states: 494 },
  ].map(({ specs, states }): [DomainSpec[], number, number] => [specs, 1, states]),
];

it.each([...cases, ...stacks])(
  "operations and events on %j, %i bytes: all of %i concrete states",
  (specs, size, states) => {
    const { states: met, checks } = checkEveryState(specs, size);
    expect(met).toBe(states);
    expect(checks).toBeGreaterThan(20 * states);
  },
);
