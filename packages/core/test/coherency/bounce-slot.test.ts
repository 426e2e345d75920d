// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { Order, TouchClasses } from "../../src/check/race/touch-class.ts";
import type { CopyKind } from "../../src/coherency/bounce-slot.ts";
import { MachinePair } from "../../src/coherency/machine-pair.ts";
import {
  AnalysisMachine,
  DataMachine,
  type DomainSpec,
  type Hazard,
  lineCount,
  needlessMaintenance,
  nextMaintenance,
  performedMaintenance,
  requiredMaintenance,
  seeded,
  Topology,
} from "../../src/coherency.ts";
import { Extents } from "../../src/memory/extents.ts";

const domains: Record<string, DomainSpec> = {
  cpu: { line: 64 },
  view: { line: 64, behind: "slot" },
  slot: { line: 64, bounce: { cpu: "cpu", view: "view" } },
};

const buffer = Extents.of([0, 4096]);

function setUp() {
  const topology = new Topology({ domains });
  const hazards: Hazard[] = [];
  const machine = new AnalysisMachine(topology, (hazard) => hazards.push(hazard));
  const slot = topology.domain("slot");
  const cached = topology.route({ route: "cached", domain: "cpu" });
  const device = topology.route({ route: "cached", domain: "slot" });
  return { topology, hazards, machine, slot, cached, device, direct: topology.route({ route: "direct" }) };
}

describe("a bounce slot", () => {
  it("lies behind the domain through which the CPU sees it, and neither speculates nor evicts", () => {
    const { topology, slot } = setUp();
    expect(slot).toMatchObject({ speculates: false, evicts: false, behind: null });
    expect(slot.slot).toBe(slot);
    expect(slot.bounce).toEqual({ cpu: topology.domain("cpu"), view: topology.domain("view") });
    expect(topology.domain("view").slot).toBe(slot);
    expect(topology.domain("cpu").slot).toBeNull();
  });

  it.each<[string, DomainSpec, string]>([
    ["an unknown domain", { line: 64, bounce: { cpu: "gpu" } }, 'domain "slot": bounce: no domain "gpu"'],
    [
      "a view elsewhere",
      { line: 64, bounce: { cpu: "cpu", view: "cpu" } },
      '"cpu" does not lie in front of "slot"',
    ],
    [
      "an original in a slot",
      { line: 64, bounce: { cpu: "view", view: "view" } },
      '"view" holds no originals',
    ],
    ["other lines", { line: 32, bounce: { cpu: "cpu" } }, 'lines of 32 bytes, those of "cpu" have 64'],
    [
      "something behind",
      { line: 64, behind: "cpu", bounce: { cpu: "cpu" } },
      "nothing lies behind a bounce slot",
    ],
    ["speculation", { line: 64, speculates: true, bounce: { cpu: "cpu" } }, "does nothing by itself"],
    ["evictions", { line: 64, evicts: true, bounce: { cpu: "cpu" } }, "does nothing by itself"],
  ])("does not have %s", (_, slot, message) => {
    const { cpu, view } = domains as { cpu: DomainSpec; view: DomainSpec };
    const front = slot.line === 64 ? { view } : {};
    expect(() => new Topology({ domains: { cpu, ...front, slot } })).toThrow(message);
  });

  it("is copied to and from, which no other domain is", () => {
    const { topology, machine } = setUp();
    const cpu = topology.domain("cpu");
    expect(() => machine.copy("copy-in", cpu, buffer)).toThrow('domain "cpu" is no bounce slot');
    expect(() => new DataMachine(topology).copy("copy-in", cpu, buffer)).toThrow(
      'domain "cpu" is no bounce slot',
    );
  });

  it("gets the CPU's cached data, and its data goes to the CPU's cache, not to memory", () => {
    const { machine, slot, cached, device, direct, hazards, topology } = setUp();
    machine.access(cached, "write", buffer);
    machine.copy("copy-in", slot, buffer);
    machine.maintain("clean", topology.domain("view"), buffer);
    machine.access(device, "read", buffer);
    expect(hazards).toEqual([]);
    machine.access(device, "write", buffer);
    machine.maintain("invalidate", topology.domain("view"), buffer);
    machine.copy("copy-out", slot, buffer);
    machine.access(cached, "read", buffer);
    expect(hazards).toEqual([]);
    machine.access(direct, "read", buffer);
    expect(hazards.map(({ code }) => code)).toEqual(["stale-read"]);
  });

  it("loses what a device wrote when it is released without a copy back, once somebody reads it", () => {
    const { machine, slot, cached, device, hazards } = setUp();
    machine.copy("copy-in", slot, buffer);
    machine.access(device, "write", buffer);
    hazards.length = 0;
    machine.copy("release", slot, buffer);
    expect(hazards).toEqual([]);
    machine.access(cached, "read", buffer);
    expect(hazards.map(({ code, step }) => [code, step])).toEqual([
      ["discarded-data", 2],
      ["stale-read", 3],
    ]);
  });

  it("is out of a device's reach when it is not in use", () => {
    const { machine, cached, device, hazards } = setUp();
    machine.access(cached, "write", buffer);
    machine.access(device, "read", buffer);
    machine.access(device, "write", buffer);
    machine.access(cached, "read", buffer);
    expect(hazards).toEqual([]);
  });

  it("is the same on both machines at once, and beyond a mapping real bytes stand for nothing", () => {
    const { topology, machine, slot, cached, device } = setUp();
    const stale: Hazard[] = [];
    const data = new DataMachine(topology, { policy: seeded(7), report: (hazard) => stale.push(hazard) });
    const pair = new MachinePair(machine, data);
    pair.access(cached, "write", buffer);
    pair.copy("copy-in", slot, Extents.of([0, 100]));
    pair.access(device, "read", Extents.of([100, 200]));
    pair.access(device, "write", Extents.of([100, 200]));
    pair.access(cached, "read", buffer);
    expect(stale).toEqual([]);
    expect(data.inspect(120).copies[slot.index]).toBeNull();
    expect(data.inspect(20).copies[slot.index]).not.toBeNull();
  });
});

describe("maintenance of a run that bounces", () => {
  it("is required where the device does not see the CPU's cache over the slot", () => {
    const { machine, slot, cached, device } = setUp();
    machine.access(cached, "write", buffer);
    machine.copy("copy-in", slot, buffer);
    machine.access(device, "read", buffer);
    const { placements, hopeless } = requiredMaintenance(machine.table, machine.log);
    expect(placements.map(({ before, kind, domain }) => [before, kind, domain.name])).toEqual([
      [2, "clean", "view"],
    ]);
    expect(hopeless).toEqual([]);
    expect(performedMaintenance(machine.log)).toEqual({ ops: 0, bytes: 0, cost: 0 });
  });

  it("is needless when the slot's lines were clean, and a copy never is maintenance", () => {
    const { machine, slot, cached, device, topology } = setUp();
    machine.access(cached, "write", buffer);
    machine.copy("copy-in", slot, buffer);
    machine.maintain("clean", topology.domain("view"), buffer);
    machine.maintain("clean", topology.domain("view"), buffer);
    machine.maintain("clean", topology.domain("cpu"), buffer);
    machine.maintain("flush", slot, buffer);
    machine.access(device, "read", buffer);
    expect(needlessMaintenance(machine.table, machine.log)).toEqual([2, 3, 4, 5]);
  });

  it("is found for the next access, and never on the slot itself", () => {
    const { machine, slot, cached, device } = setUp();
    machine.access(cached, "write", buffer);
    machine.copy("copy-in", slot, buffer);
    const next = nextMaintenance(machine, device, "read", buffer, (kind, domain) =>
      domain === slot ? 0 : lineCount(kind, domain),
    );
    expect(next.steps.map(({ kind, domain }) => [kind, domain.name])).toEqual([["clean", "view"]]);
  });
});

describe("the order of touches", () => {
  const { machine, slot, cached, device, topology } = setUp();
  const { operations } = machine.table;
  const classes = new TouchClasses(machine.table);
  const column = (of: { index: number }, neighbour = false) => of.index * 2 + (neighbour ? 1 : 0);
  const copy = (kind: CopyKind) => operations.copy(kind, slot);

  it("matters for a copy out and a read, not for a copy in and a read", () => {
    const read = column(operations.access("read", cached));
    expect(classes.order(column(copy("copy-in")), read)).toBe(Order.free);
    expect(classes.order(read, column(copy("copy-out")))).toBe(Order.owed);
    expect(classes.order(column(operations.access("write", cached)), column(copy("copy-in")))).toBe(
      Order.owed,
    );
  });

  it("matters for any copy and what the device does in the slot", () => {
    const reads = column(operations.access("read", device));
    expect(classes.order(column(copy("copy-in")), reads)).toBe(Order.owed);
  });

  it("does not matter for neighbours and maintenance in memory that is not the same", () => {
    const beside = column(operations.access("write", device), true);
    expect(classes.order(beside, column(operations.access("write", cached)))).toBe(Order.free);
    const clean = column(operations.maintenance("clean", topology.domain("view")));
    expect(classes.order(clean, column(operations.access("write", cached)))).toBe(Order.free);
    expect(classes.order(clean, column(copy("copy-in")))).toBe(Order.owed);
  });
});
