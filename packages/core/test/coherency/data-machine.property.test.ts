// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFresh } from "../../src/coherency/byte-state.ts";
import {
  type ByteState,
  Copy,
  copyOf,
  DataMachine,
  type EventKind,
  Extents,
  type LitmusProgram,
  memoryStale,
  type StateId,
  seeded,
  Topology,
  type TransitionTable,
} from "../../src/coherency.ts";
import { ConcreteMachine } from "./reference/concrete-machine.ts";
import { concreteDomains, concreteOperation } from "./reference/concrete-run.ts";
import { addressesIn, analyse, performStep, scrambled, topologyOf } from "./reference/perform.ts";
import { randomProgram } from "./reference/random-program.ts";

/** Where buffers are put: at 0, and astride chunks of the stores, around 4 GiB, and far above. */
const bases = [0, 2 ** 20 - 16, 2 ** 32 - 16, 2 ** 32 + 2 ** 20 - 8, 2 ** 40 - 8, 2 ** 51 + 3 * 2 ** 20 - 16];

describe.each([
  ["side by side", false],
  ["stacked", true],
] as const)("random programs on the data machine, domains %s", (_, stacks) => {
  /** Freshness in memory and in every domain, in a word; which lines are dirty cannot be seen from outside. */
  const word = (values: readonly (boolean | null)[]): string =>
    values.map((fresh) => (fresh === null ? "-" : fresh ? "fresh" : "stale")).join();

  function wordsOf(table: TransitionTable, id: StateId): Set<string> {
    const copies = (state: ByteState): (boolean | null)[] =>
      table.topology.domains.map((domain) => {
        const copy = copyOf(state, domain);
        return copy === Copy.absent ? null : isFresh(copy);
      });
    return new Set(table.states(id).map((state) => word([!memoryStale(state), ...copies(state)])));
  }

  it("never do what the analysis machine has not reported, whatever happens by itself", () => {
    let observed = 0;
    fc.assert(
      fc.property(randomProgram({ stacks, steps: 30 }), fc.nat(2 ** 32 - 1), (program, seed) => {
        const { machine: analysis, hazards } = analyse({ ...program, steps: [] });
        const stale: number[] = [];
        const data = new DataMachine(topologyOf(program), {
          policy: seeded(seed),
          report: (hazard) => stale.push(...addressesIn(hazard.ranges)),
        });
        const words = new Map<StateId, Set<string>>();
        for (const step of program.steps) {
          const extents = seed % 2 === 0 ? Extents.of(step.range) : scrambled(step, seed);
          performStep(analysis, step, extents);
          performStep(data, step, extents);
          const reported = hazards
            .filter(({ code }) => code === "stale-read")
            .flatMap(({ ranges }) => addressesIn(ranges));
          for (const address of stale) expect(reported).toContain(address);
          observed += stale.length;
          stale.length = 0;
          hazards.length = 0;
          for (let address = 0; address < program.buffer.size; address++) {
            const { memory, copies, newest } = data.inspect(address);
            const seen = word([memory, ...copies].map((value) => (value === null ? null : value === newest)));
            const id = analysis.stateAt(address);
            const possible = words.get(id) ?? wordsOf(analysis.table, id);
            words.set(id, possible);
            if (!possible.has(seen)) expect({ address, seen }).toEqual({ address, seen: possible });
          }
        }
      }),
      { seed: 20261120, numRuns: 160 },
    );
    expect(observed).toBeGreaterThan(500);
  });

  interface Extra {
    /** Which lines an allocating port keeps. */
    readonly allocates: number;
    readonly event: EventKind;
    readonly domain: number;
    readonly offset: number;
    /** Where the step's range is cut in two. */
    readonly cut: number;
    readonly reversed: boolean;
  }
  const extra: fc.Arbitrary<Extra> = fc.record({
    allocates: fc.nat(255),
    event: fc.constantFrom("write-back" as const, "drop" as const, "fill" as const),
    domain: fc.nat(2),
    offset: fc.nat(39),
    cut: fc.nat(39),
    reversed: fc.boolean(),
  });

  function compare(program: LitmusProgram, base: number, extras: readonly Extra[]): void {
    const domains = concreteDomains(program.domains);
    const widest = Math.max(...domains.map(({ line }) => line));
    const size = Math.ceil(program.buffer.size / widest) * widest;
    const reference = new ConcreteMachine(domains, size);
    let state = reference.initial();
    let chosen = 0;
    const allocates = (domain: number, line: number): boolean =>
      ((chosen >>> ((line + 3 * domain) % 8)) & 1) === 1;
    const topology = new Topology({ domains: program.domains, agents: program.agents });
    const machine = new DataMachine(topology, {
      policy: {
        allocates: ({ domain, address }) => allocates(domain.index, address - base),
        before: () => [],
      },
      report: () => {},
    });
    program.steps.forEach((step, index) => {
      const more = extras[index % extras.length] as Extra;
      chosen = more.allocates;
      const [start, end] = step.range;
      const cut = Math.min(Math.max(start + 1, more.cut), end);
      const pieces: [number, number][] =
        cut < end
          ? [
              [start, cut],
              [cut, end],
            ]
          : [[start, end]];
      if (more.reversed) pieces.reverse();
      const extents = new Extents(Float64Array.from(pieces.flat(), (offset) => base + offset));
      const operation = concreteOperation(program, step);
      const expected: number[] = [];
      for (const [from, to] of pieces) {
        const value = (address: number): number => (index * 40 + address + 1) % 251;
        const outcome = reference.perform(state, { ...operation, start: from, end: to }, value, allocates);
        state = outcome.state;
        expected.push(...outcome.observed);
      }
      if (!("agent" in step)) machine.maintain(step.op, topology.domain(step.domain), extents);
      else if (step.op === "write") {
        const bytes = pieces.flatMap(([from, to]) =>
          Array.from({ length: to - from }, (_, i) => (index * 40 + from + i + 1) % 251),
        );
        machine.write(topology.agent(step.agent), extents, Uint8Array.from(bytes));
      } else {
        const into = new Uint8Array(end - start);
        machine.read(topology.agent(step.agent), extents, into);
        expect([...into]).toEqual(expected);
      }
      const domain = more.domain % domains.length;
      const offset = more.offset % size;
      const line = offset - (offset % (domains[domain]?.line ?? 1));
      const event = reference.happen(state, more.event, domain, line, allocates);
      const where = topology.domains[domain];
      if (where === undefined) throw new TypeError("no such domain");
      expect(machine.happen(more.event, where, base + offset)).toBe(event !== null);
      state = event ?? state;
      for (let address = 0; address < size; address++) {
        expect(machine.inspect(base + address)).toEqual({
          memory: reference.memoryAt(state, address),
          copies: domains.map((_, i) => reference.copyAt(state, i, address)),
          newest: reference.newestAt(state, address),
        });
      }
    });
  }

  it("hold the same bytes as the reference after the same operations and events, wherever the buffer is", () => {
    fc.assert(
      fc.property(
        randomProgram({ stacks, steps: 12, bytes: 40 }),
        fc.constantFrom(...bases),
        fc.array(extra, { minLength: 12, maxLength: 12 }),
        compare,
      ),
      { seed: 20261120, numRuns: 160 },
    );
  });
});
