// SPDX-License-Identifier: MIT
import fc from "fast-check";
import type { DomainSpec, LitmusProgram, LitmusStep, RouteSpec } from "../../../src/coherency.ts";

/** What a random program may be. */
export interface ProgramLimits {
  readonly steps: number;
  readonly domains?: 1 | 2 | 3;
  readonly bytes?: number;
  /** Lines of every domain; random ones when left out. */
  readonly lines?: readonly number[];
  /** Whether steps may be maintenance; default true. */
  readonly maintenance?: boolean;
  /** Whether domains may be bounce slots, which keep their lines; default true. */
  readonly slots?: boolean;
  /** Whether domains are stacked: one, two or some of them behind another; default false. */
  readonly stacks?: boolean;
}

/** Lines of one, two and three domains. At most five lines meet in one, which keeps the explicit exploration short. */
const geometries = [
  [[1], [2], [4], [8]],
  [
    [1, 1],
    [2, 2],
    [4, 4],
    [8, 8],
    [2, 1],
    [1, 2],
    [4, 2],
    [2, 8],
    [8, 4],
    [4, 1],
  ],
  [
    [1, 1, 1],
    [2, 2, 2],
    [4, 4, 4],
    [2, 1, 2],
    [4, 2, 4],
    [2, 4, 8],
  ],
] as const;

interface Geometry {
  readonly lines: readonly number[];
  /** For each domain, the index of the one behind it. */
  readonly behind?: readonly (number | null)[];
}

/** Stacks of two and of three domains: a chain, two in front of one, and one beside a stack. */
const stackGeometries: readonly (readonly Geometry[])[] = [
  [
    { lines: [1, 1], behind: [1, null] },
    { lines: [2, 2], behind: [1, null] },
    { lines: [4, 4], behind: [1, null] },
    { lines: [2, 2], behind: [null, 0] },
  ],
  [
    { lines: [1, 1, 1], behind: [1, 2, null] },
    { lines: [2, 2, 2], behind: [2, null, 1] },
    { lines: [2, 2, 2], behind: [2, 2, null] },
    { lines: [2, 2, 4], behind: [1, null, null] },
    { lines: [2, 2, 1], behind: [1, null, null] },
  ],
];

function geometryOf(
  domains: number,
  lines: readonly number[] | undefined,
  stacks: boolean,
): fc.Arbitrary<Geometry> {
  if (stacks)
    return fc
      .integer({ min: 2, max: domains })
      .chain((n) => fc.constantFrom(...(stackGeometries[n - 2] ?? [])));
  if (lines !== undefined) return fc.constant({ lines });
  const chosen = fc
    .integer({ min: 1, max: domains })
    .chain((n) => fc.constantFrom(...(geometries[n - 1] ?? [])));
  return chosen.map((each) => ({ lines: each }));
}

/** Steps that meet each other: short ranges near one place, and a long one now and then. */
function range(size: number): fc.Arbitrary<[number, number]> {
  const any = fc.tuple(fc.nat(size - 1), fc.integer({ min: 1, max: size }));
  const near = fc.tuple(fc.nat(Math.min(size - 1, 2)), fc.integer({ min: 1, max: 4 }));
  return fc
    .oneof({ weight: 4, arbitrary: near }, { weight: 1, arbitrary: any })
    .map(([start, length]) => [start, Math.min(size, start + length)]);
}

function step(
  names: readonly string[],
  agents: readonly string[],
  size: number,
  maintains: boolean,
): fc.Arbitrary<LitmusStep> {
  const access = fc.record({
    agent: fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom("direct", "d0-cached") },
      { weight: 1, arbitrary: fc.constantFrom(...agents) },
    ),
    op: fc.constantFrom("read" as const, "write" as const),
    range: range(size),
  });
  if (!maintains) return access;
  const maintenance = fc.record({
    op: fc.constantFrom("clean" as const, "invalidate" as const, "flush" as const),
    domain: fc.constantFrom(...names),
    range: range(size),
  });
  return fc.oneof({ weight: 3, arbitrary: access }, { weight: 1, arbitrary: maintenance });
}

/** Programs over domains `d0`, `d1`, ..., in which every route into every domain has an agent. */
export function randomProgram({
  steps,
  domains = 3,
  bytes = 24,
  lines,
  maintenance = true,
  slots = true,
  stacks = false,
}: ProgramLimits): fc.Arbitrary<LitmusProgram> {
  return geometryOf(domains, lines, stacks).chain(({ lines: chosen, behind = [] }) => {
    const names = chosen.map((_, i) => `d${i}`);
    const agents: Record<string, RouteSpec> = { direct: { route: "direct" } };
    for (const domain of names) {
      agents[`${domain}-cached`] = { route: "cached", domain };
      agents[`${domain}-snoop`] = { route: "snoop", domain };
      agents[`${domain}-port`] = { route: "snoop", domain, writes: "allocate" };
    }
    const kinds = fc.tuple(
      ...chosen.map((line, index): fc.Arbitrary<DomainSpec> => {
        const own = fc.record({
          line: fc.constant(line),
          speculates: fc.boolean(),
          evicts: slots ? fc.boolean() : fc.constant(true),
        });
        const outer = behind[index] ?? null;
        const stacked = outer === null ? own : own.map((spec) => ({ ...spec, behind: `d${outer}` }));
        if (!behind.includes(index)) return stacked;
        return fc.tuple(stacked, fc.boolean()).map(([spec, exclusive]) => ({ ...spec, exclusive }));
      }),
    );
    return fc.tuple(kinds, fc.integer({ min: 1, max: bytes })).chain(([specs, size]) =>
      fc.record({
        name: fc.constant("random"),
        domains: fc.constant(
          Object.fromEntries(specs.map((spec, i) => [`d${i}`, spec])) as Record<string, DomainSpec>,
        ),
        agents: fc.constant(agents),
        buffer: fc.constant({ size }),
        steps: fc.array(step(names, Object.keys(agents), size, maintenance), {
          minLength: Math.ceil((2 * steps) / 3),
          maxLength: steps,
          size: "max",
        }),
      }),
    );
  });
}
