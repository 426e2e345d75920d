// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { physAddr } from "../../../src/address.ts";
import { AnalysisMachine, type Hazard, Topology } from "../../../src/coherency.ts";
import { Bounce } from "../../../src/dma/swiotlb/bounce.ts";
import { copiesFor } from "../../../src/dma/swiotlb/bounce-copies.ts";
import { BounceDomain } from "../../../src/dma/swiotlb/bounce-domain.ts";
import { bounceDomains, bounceRoute } from "../../../src/dma/swiotlb/bounce-domain-spec.ts";
import { SwiotlbPool } from "../../../src/dma/swiotlb/swiotlb-pool.ts";
import { Extents } from "../../../src/memory/extents.ts";

const cpu = { domains: { cpu: { line: 64 } }, cpuDomain: "cpu" };

function bounceOf(original: number, size: number, request = {}): Bounce {
  const slots = new SwiotlbPool(physAddr(0x1000_0000)).allocate({
    original: physAddr(original),
    size,
    ...request,
  });
  if (typeof slots === "string") throw new Error(slots);
  return new Bounce(physAddr(original), size, "bidirectional", slots);
}

describe("the bounds of a copy", () => {
  it("are those of the mapping, where nothing rounds the allocation up", () => {
    const bounce = bounceOf(0x5a10, 100, { minAlignMask: 0xfff });
    expect(bounce.allocSize).toBe(100);
    expect(bounce.bounds(40, 60)).toEqual({ offset: 40, bytes: 60, problem: null });
    expect(bounce.bounds(40, 61)).toEqual({ offset: 40, bytes: 60, problem: "overflow" });
    expect(bounce.bounds(100, 1)).toEqual({ offset: 100, bytes: 0, problem: "beyond" });
    expect(bounce.bounds(-1, 1).problem).toBe("beyond");
  });

  it("are those of the allocation, where it is rounded up", () => {
    const bounce = bounceOf(0x5a10, 100, { minAlignMask: 0xfff, allocAlignMask: 0xfff });
    expect(bounce.allocSize).toBe(4096 - 0xa10);
    expect(bounce.bounds(0, 200).problem).toBeNull();
  });

  it("translate addresses both ways", () => {
    const bounce = bounceOf(0x5a10, 100, { minAlignMask: 0xfff });
    expect(bounce.addressOf(0x5a11) % 4096).toBe(0xa11);
    expect(bounce.originalOf(bounce.addressOf(0x5a30))).toBe(0x5a30);
  });
});

function machineFor(coherent: boolean) {
  const device = {
    name: "usb0",
    coherent,
    port: coherent ? ({ route: "snoop", domain: "cpu" } as const) : ({ route: "direct" } as const),
  };
  const hazards: Hazard[] = [];
  const topology = new Topology({ domains: { ...cpu.domains, ...bounceDomains(device, cpu) } });
  const machine = new AnalysisMachine(topology, (hazard) => hazards.push(hazard));
  const bounce = new BounceDomain(machine, device, cpu);
  const cached = topology.route({ route: "cached", domain: "cpu" });
  const found = () => hazards.splice(0).map(({ code, ranges }) => [code, ...ranges]);
  return { machine, bounce, cached, found, device };
}

const at = (start: number, end: number) => Extents.of([start, end]);

describe("a bounced mapping", () => {
  it("keeps what the device leaves unwritten (OA-35)", () => {
    const { machine, bounce, cached, found } = machineFor(true);
    const buffer = at(0, 64);
    machine.access(cached, "write", buffer);
    bounce.mapIn(buffer);
    machine.access(bounce.route, "write", at(0, 16));
    bounce.unmapOut(buffer, copiesFor("unmap", "from-device") === "out");
    machine.access(cached, "read", buffer);
    expect(found()).toEqual([]);
  });

  it("shows the device old data until it is synced (OA-36)", () => {
    const { machine, bounce, cached, found } = machineFor(true);
    const buffer = at(0, 2048);
    bounce.mapIn(buffer);
    machine.access(cached, "write", at(100, 200));
    machine.access(bounce.route, "read", buffer);
    expect(found()).toEqual([["stale-read", 100, 200]]);
    bounce.syncForDevice(buffer);
    machine.access(bounce.route, "read", buffer);
    expect(found()).toEqual([]);
  });

  it("takes the CPU's writes along when it is copied back, to their loss", () => {
    const { machine, bounce, cached, found } = machineFor(true);
    const buffer = at(0, 2048);
    bounce.mapIn(buffer);
    machine.access(bounce.route, "write", at(0, 1024));
    machine.access(cached, "write", at(1024, 2048));
    bounce.unmapOut(buffer, true);
    expect(found()).toEqual([["lost-write", 1024, 2048]]);
  });

  it("copies nothing in for a device that only writes (OA-37)", () => {
    expect(copiesFor("sync-for-device", "from-device")).toBeNull();
  });

  it("needs its lines cleaned for a device that does not snoop, at the originals' addresses", () => {
    const { machine, bounce, found } = machineFor(false);
    const slots = bounceOf(0x5000, 4096);
    const buffer = at(0x5000, 0x6000);
    bounce.mapIn(buffer);
    machine.access(bounce.route, "read", buffer);
    expect(found()).toEqual([["stale-read", 0x5000, 0x6000]]);
    const clean = {
      kind: "clean",
      domain: "cpu",
      extents: at(slots.address + 64, slots.address + 8192),
    } as const;
    const [moved, ...more] = bounce.maintenance([clean], [slots]);
    expect(more).toEqual([]);
    if (moved === undefined) throw new Error("no maintenance");
    expect([...moved.extents.pairs]).toEqual([0x5040, 0x6000]);
    machine.maintain(moved.kind, machine.topology.domain(moved.domain), moved.extents);
    machine.access(bounce.route, "read", buffer);
    expect(found()).toEqual([["stale-read", 0x5000, 0x5040]]);
  });

  it("has nothing to maintain where the CPU and the device see one thing", () => {
    const slots = bounceOf(0x5000, 4096);
    const clean = { kind: "clean", domain: "cpu", extents: at(slots.address, slots.address + 64) } as const;
    expect(machineFor(true).bounce.maintenance([clean], [slots])).toEqual([]);
  });

  it("bounces no byte twice for one device, and gives back what it got", () => {
    const { bounce } = machineFor(true);
    const buffer = at(0, 4096);
    bounce.mapIn(buffer);
    expect([bounce.overlaps(at(4000, 5000)), bounce.overlaps(at(4096, 5000))]).toEqual([true, false]);
    expect(() => bounce.mapIn(at(4000, 5000))).toThrow(
      "usb0 has a bounce buffer for part of these ranges already",
    );
    bounce.unmapOut(buffer, false);
    expect(() => bounce.unmapOut(buffer, false)).toThrow("usb0 does not bounce these ranges");
    bounce.mapIn(at(4000, 5000));
  });
});

describe("the domains of a device that bounces", () => {
  it("repeat the CPU's caches where the device may not see what is in them", () => {
    const stacked = {
      domains: { l1: { line: 32, behind: "l2" }, l2: { line: 32 }, other: { line: 32 } },
      cpuDomain: "l1",
    };
    const device = { name: "mmc", coherent: false, port: { route: "snoop", domain: "l1" } as const };
    const domains = bounceDomains(device, stacked);
    expect(domains).toEqual({
      "l1 over mmc's bounce buffer": { line: 32, behind: "l2 over mmc's bounce buffer" },
      "l2 over mmc's bounce buffer": { line: 32, behind: "mmc's bounce buffer" },
      "mmc's bounce buffer": { line: 32, bounce: { cpu: "l1", view: "l1 over mmc's bounce buffer" } },
    });
    expect(bounceRoute(device, stacked)).toEqual({ route: "snoop", domain: "l1 over mmc's bounce buffer" });
    expect(
      new Topology({ domains: { ...stacked.domains, ...domains } }).domain("mmc's bounce buffer").slot,
    ).not.toBeNull();
  });
});

it("two devices that bounce one buffer have two copies of it, which go stale one by one", () => {
  const port = { route: "snoop", domain: "cpu" } as const;
  const devices = ["usb0", "mmc0"].map((name) => ({ name, port, coherent: true }));
  const hazards: Hazard[] = [];
  const slots = Object.assign({}, ...devices.map((device) => bounceDomains(device, cpu)));
  const machine = new AnalysisMachine(new Topology({ domains: { ...cpu.domains, ...slots } }), (hazard) =>
    hazards.push(hazard),
  );
  const [usb, mmc] = devices.map((device) => new BounceDomain(machine, device, cpu)) as [
    BounceDomain,
    BounceDomain,
  ];
  const buffer = at(0, 4096);
  usb.mapIn(buffer);
  mmc.mapIn(buffer);
  machine.access(usb.route, "write", buffer);
  usb.syncForCpu(buffer);
  machine.access(mmc.route, "read", buffer);
  expect(hazards.splice(0).map(({ code }) => code)).toEqual(["stale-read"]);
  mmc.syncForDevice(buffer);
  machine.access(mmc.route, "read", buffer);
  mmc.unmapOut(buffer, false);
  usb.unmapOut(buffer, true);
  machine.access(machine.topology.route({ route: "cached", domain: "cpu" }), "read", buffer);
  expect(hazards).toEqual([]);
});
