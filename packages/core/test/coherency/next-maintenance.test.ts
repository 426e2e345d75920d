// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import {
  type AccessKind,
  AnalysisMachine,
  type DomainSpec,
  Extents,
  type Hazard,
  type MaintenanceKind,
  nextMaintenance,
  type RouteSpec,
  Topology,
} from "../../src/coherency.ts";

const direct: RouteSpec = { route: "direct" };
const cached = (domain: string): RouteSpec => ({ route: "cached", domain });
const snoop = (domain: string): RouteSpec => ({ route: "snoop", domain });

type Range = readonly [start: number, end: number];

function machineOf(domains: Readonly<Record<string, DomainSpec>>) {
  const hazards: Hazard[] = [];
  const machine = new AnalysisMachine(new Topology({ domains }), (hazard) => hazards.push(hazard));
  const access = (route: RouteSpec, kind: AccessKind, ...ranges: Range[]): void =>
    machine.access(machine.topology.route(route), kind, Extents.of(...ranges));
  const maintain = (kind: MaintenanceKind, domain: string, ...ranges: Range[]): void =>
    machine.maintain(kind, machine.topology.domain(domain), Extents.of(...ranges));
  const next = (route: RouteSpec, kind: AccessKind, ...ranges: Range[]) => {
    const { steps, hopeless } = nextMaintenance(
      machine,
      machine.topology.route(route),
      kind,
      Extents.of(...ranges),
    );
    const owed = steps.map(({ kind: each, domain, extents }) => [each, domain.name, [...extents.pairs]]);
    return { owed, hopeless: hopeless === null ? null : [...hopeless.pairs] };
  };
  return { hazards, access, maintain, next };
}

describe("one CPU with lines of 64 bytes", () => {
  it("owes nothing to memory that nobody has touched", () => {
    const { next } = machineOf({ cpu: { line: 64 } });
    expect(next(direct, "read", [0, 4096])).toEqual({ owed: [], hopeless: null });
    expect(next(direct, "write", [0, 4096])).toEqual({ owed: [], hopeless: null });
    expect(next(cached("cpu"), "read", [1, 4095])).toEqual({ owed: [], hopeless: null });
  });

  it("owes a clean of what the CPU wrote before a device reads it, and of no other line", () => {
    const { access, next } = machineOf({ cpu: { line: 64 } });
    access(cached("cpu"), "write", [100, 200], [512, 513]);
    expect(next(direct, "read", [0, 4096])).toEqual({
      owed: [["clean", "cpu", [64, 256, 512, 576]]],
      hopeless: null,
    });
    expect(next(snoop("cpu"), "read", [0, 4096])).toEqual({ owed: [], hopeless: null });
  });

  it("owes an invalidate after a device has written, because lines are filled speculatively", () => {
    const { access, next } = machineOf({ cpu: { line: 64 } });
    access(direct, "write", [0, 128]);
    expect(next(cached("cpu"), "read", [0, 64])).toEqual({
      owed: [["invalidate", "cpu", [0, 64]]],
      hopeless: null,
    });
  });

  it("owes nothing there without speculation", () => {
    const { access, next } = machineOf({ cpu: { line: 64, speculates: false } });
    access(direct, "write", [0, 128]);
    expect(next(cached("cpu"), "read", [0, 64])).toEqual({ owed: [], hopeless: null });
  });

  it("does not invalidate a neighbour's only copy", () => {
    const { access, next } = machineOf({ cpu: { line: 64, speculates: false } });
    access(cached("cpu"), "read", [0, 64]);
    access(direct, "write", [0, 32]);
    expect(next(cached("cpu"), "read", [0, 32]).owed).toEqual([["invalidate", "cpu", [0, 64]]]);
    const shared = machineOf({ cpu: { line: 64 } });
    shared.access(cached("cpu"), "write", [32, 64]);
    expect(shared.next(direct, "write", [0, 32])).toEqual({
      owed: [["clean", "cpu", [0, 64]]],
      hopeless: null,
    });
  });

  it("says that a dirty, stale line cannot be saved", () => {
    const { access, next } = machineOf({ cpu: { line: 64 } });
    access(cached("cpu"), "write", [0, 32]);
    access(direct, "write", [32, 64]);
    expect(next(cached("cpu"), "read", [32, 64])).toEqual({ owed: [], hopeless: [0, 64] });
    expect(next(direct, "read", [0, 128])).toEqual({ owed: [], hopeless: [0, 64] });
  });

  it("does not leave neighbours in danger that the access itself would not put there", () => {
    const { access, next } = machineOf({ cpu: { line: 64, speculates: false } });
    access(cached("cpu"), "write", [32, 64]);
    access(direct, "write", [48, 64]);
    // Bytes 0 to 32 are fresh everywhere, but their line is dirty and stale further on.
    expect(next(cached("cpu"), "read", [0, 32])).toEqual({ owed: [], hopeless: [0, 64] });
    expect(next(direct, "read", [0, 32])).toEqual({ owed: [], hopeless: null });
  });

  it("does not refuse an access because its neighbours lost their data before", () => {
    const { access, maintain, next } = machineOf({ cpu: { line: 64, speculates: false } });
    access(cached("cpu"), "write", [0, 64]);
    maintain("invalidate", "cpu", [0, 64]);
    access(direct, "write", [0, 32]);
    expect(next(cached("cpu"), "read", [0, 32])).toEqual({ owed: [], hopeless: null });
    expect(next(cached("cpu"), "read", [0, 64]).hopeless).toEqual([0, 64]);
  });
});

describe("several domains", () => {
  it("cleans the writer before it invalidates the reader, which may fill its line in between", () => {
    const { hazards, access, maintain, next } = machineOf({ cpu: { line: 64 }, gpu: { line: 64 } });
    access(cached("gpu"), "write", [0, 64]);
    const { owed } = next(cached("cpu"), "read", [0, 64]);
    expect(owed).toEqual([
      ["clean", "gpu", [0, 64]],
      ["invalidate", "cpu", [0, 64]],
    ]);
    maintain("clean", "gpu", [0, 64]);
    maintain("invalidate", "cpu", [0, 64]);
    access(cached("cpu"), "read", [0, 64]);
    expect(hazards).toEqual([]);
  });

  it("maintains only those of the narrower lines that need it", () => {
    const { access, next } = machineOf({ cpu: { line: 64 }, gpu: { line: 128, speculates: false } });
    access(cached("cpu"), "write", [70, 80]);
    expect(next(direct, "read", [0, 256])).toEqual({ owed: [["clean", "cpu", [64, 128]]], hopeless: null });
  });

  it("is not kept from one of the narrower lines by what another holds", () => {
    const { access, next } = machineOf({
      cpu: { line: 64, speculates: false },
      gpu: { line: 128, speculates: false },
    });
    access(cached("cpu"), "read", [0, 64]);
    access(direct, "write", [0, 64]);
    access(cached("cpu"), "write", [64, 128]);
    // An invalidate of [64, 128) would drop the only copy.
    expect(next(cached("cpu"), "read", [0, 64])).toEqual({
      owed: [["invalidate", "cpu", [0, 64]]],
      hopeless: null,
    });
  });
});

it("takes time that follows the number of ranges, not its square", () => {
  const { access, next } = machineOf({ cpu: { line: 64 } });
  const pages: Range[] = Array.from({ length: 20_000 }, (_, i) => [i * 8192, i * 8192 + 4096]);
  access(cached("cpu"), "write", ...pages);
  const { owed } = next(direct, "read", ...pages);
  expect(owed.map(([kind, domain, pairs]) => [kind, domain, pairs?.length])).toEqual([
    ["clean", "cpu", 40_000],
  ]);
});

describe("a cache behind the cache", () => {
  const line = 32;
  const stack = { l1: { line, behind: "l2" }, l2: { line } };

  it("owes two cleans before a device reads, the inner one first", () => {
    const { access, next } = machineOf(stack);
    access(cached("l1"), "write", [0, 64]);
    expect(next(direct, "read", [0, 64])).toEqual({
      owed: [
        ["clean", "l1", [0, 64]],
        ["clean", "l2", [0, 64]],
      ],
      hopeless: null,
    });
  });

  it("owes two invalidates after a device has written, the outer one first", () => {
    const { access, next } = machineOf(stack);
    access(direct, "write", [0, 64]);
    expect(next(cached("l1"), "read", [0, 64]).owed).toEqual([
      ["invalidate", "l2", [0, 64]],
      ["invalidate", "l1", [0, 64]],
    ]);
    expect(next(snoop("l2"), "read", [0, 64]).owed).toEqual([["invalidate", "l2", [0, 64]]]);
  });

  it("owes an outer clean after a snooping write into the inner cache", () => {
    const { access, next } = machineOf(stack);
    access(snoop("l1"), "write", [0, 64]);
    expect(next(direct, "read", [0, 64]).owed).toEqual([["clean", "l2", [0, 64]]]);
    expect(next(cached("l1"), "read", [0, 64]).owed).toEqual([]);
  });

  it("owes an inner clean before a port on the outer cache reads", () => {
    const { access, next } = machineOf(stack);
    access(cached("l1"), "write", [0, 64]);
    expect(next(snoop("l2"), "read", [0, 64]).owed).toEqual([["clean", "l1", [0, 64]]]);
  });

  it("has nothing against a line that dodges between a speculating cache and an exclusive one", () => {
    const { access, maintain, next } = machineOf({ ...stack, l2: { line, exclusive: true } });
    access(direct, "write", [0, 64]);
    for (const domain of ["l2", "l1", "l2", "l1"]) maintain("invalidate", domain, [0, 64]);
    expect(next(cached("l1"), "read", [0, 64])).toEqual({ owed: [], hopeless: [0, 64] });
  });

  it("goes three caches deep", () => {
    const { access, next } = machineOf({
      l3: { line },
      l1: { line, behind: "l2" },
      l2: { line, behind: "l3" },
    });
    access(cached("l1"), "write", [0, 32]);
    const cleans = next(direct, "read", [0, 32]).owed;
    expect(cleans.map(([kind, domain]) => `${kind} ${domain}`)).toEqual(["clean l1", "clean l2", "clean l3"]);
  });
});
