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
}: ProgramLimits): fc.Arbitrary<LitmusProgram> {
  const geometry =
    lines === undefined
      ? fc.integer({ min: 1, max: domains }).chain((n) => fc.constantFrom(...(geometries[n - 1] ?? [])))
      : fc.constant(lines);
  return geometry.chain((chosen) => {
    const names = chosen.map((_, i) => `d${i}`);
    const agents: Record<string, RouteSpec> = { direct: { route: "direct" } };
    for (const domain of names) {
      agents[`${domain}-cached`] = { route: "cached", domain };
      agents[`${domain}-snoop`] = { route: "snoop", domain };
      agents[`${domain}-port`] = { route: "snoop", domain, writes: "allocate" };
    }
    const kinds = fc.tuple(
      ...chosen.map((line) =>
        fc.record({
          line: fc.constant(line),
          speculates: fc.boolean(),
          evicts: slots ? fc.boolean() : fc.constant(true),
        }),
      ),
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
