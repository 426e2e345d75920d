// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import {
  type AnalysisMachine,
  DataMachine,
  type EvictionPolicy,
  Extents,
  type Hazard,
  seeded,
  Topology,
} from "../../src/coherency.ts";

const topology = new Topology({
  domains: { cpu: { line: 64 } },
  agents: {
    cpu: { route: "cached", domain: "cpu" },
    dma: { route: "direct" },
    acp: { route: "snoop", domain: "cpu", writes: "allocate" },
  },
});
const cpu = topology.agent("cpu");
const dma = topology.agent("dma");
const acp = topology.agent("acp");
const domain = topology.domain("cpu");

/** A frame that the CPU draws and a device reads without maintenance, on one execution. */
function tornFrame(seed: number): { bands: string; hazards: Hazard[] } {
  const hazards: Hazard[] = [];
  const machine = new DataMachine(topology, {
    policy: seeded(seed),
    report: (hazard) => hazards.push(hazard),
  });
  const frame = Extents.of([2 ** 20 - 1024, 2 ** 20 + 1024]);
  machine.write(cpu, frame, new Uint8Array(2048).fill(0xaa));
  const seen = new Uint8Array(2048);
  machine.read(dma, frame, seen);
  let bands = "";
  for (let line = 0; line < 2048; line += 64) {
    const band = new Set(seen.subarray(line, line + 64));
    bands += band.size > 1 ? "?" : band.has(0xaa) ? "#" : ".";
  }
  return { bands, hazards };
}

describe("one execution", () => {
  it("is the same for the same seed, and shows bands of whole lines", () => {
    const first = tornFrame(7);
    expect(first.bands).toMatch(/^[#.]{32}$/);
    expect(first.bands).toContain("#");
    expect(first.bands).toContain(".");
    expect(tornFrame(7)).toEqual(first);
    expect(new Set(Array.from({ length: 8 }, (_, i) => tornFrame(i).bands)).size).toBeGreaterThan(4);
  });

  it("reports the very bytes that are stale, as one hazard a read", () => {
    const { bands, hazards } = tornFrame(7);
    expect(hazards).toHaveLength(1);
    expect(hazards[0]).toMatchObject({ code: "stale-read", step: 1, readBy: null });
    expect(hazards[0]?.bytes).toBe([...bands].filter((band) => band === ".").length * 64);
  });

  it("takes seed 0 too", () => {
    expect(tornFrame(0).bands).toHaveLength(32);
  });
});

describe("quiet", () => {
  it("nothing happens by itself", () => {
    const machine = new DataMachine(topology, { report: () => {} });
    machine.access(cpu, "write", Extents.of([10, 12]));
    machine.access(acp, "write", Extents.of([100, 102]));
    expect(machine.inspect(10)).toEqual({ memory: 0, copies: [1], newest: 1 });
    expect(machine.inspect(9)).toEqual({ memory: 0, copies: [0], newest: 0 });
    expect(machine.inspect(100)).toEqual({ memory: 2, copies: [null], newest: 2 });
    machine.maintain("clean", domain, Extents.of([0, 1]));
    expect(machine.inspect(11)).toEqual({ memory: 1, copies: [1], newest: 1 });
    machine.maintain("invalidate", domain, Extents.of([0, 1]));
    expect(machine.inspect(11)).toEqual({ memory: 1, copies: [null], newest: 1 });
  });

  it("keeps no newest copy when nobody wants reports", () => {
    const machine = new DataMachine(topology);
    machine.access(cpu, "write", Extents.of([0, 64]));
    machine.access(dma, "read", Extents.of([0, 64]));
    expect(machine.inspect(0)).toEqual({ memory: 0, copies: [1], newest: null });
  });

  it("writes values that the last 254 writes did not", () => {
    const machine = new DataMachine(topology);
    const seen: number[] = [];
    for (let i = 0; i < 300; i++) {
      machine.access(dma, "write", Extents.of([0, 1]));
      seen.push(machine.inspect(0).memory);
    }
    for (let i = 0; i + 255 <= 300; i++) expect(new Set(seen.slice(i, i + 255)).size).toBe(255);
    expect(seen).not.toContain(0);
  });
});

it("a port that allocates decides once for a line, even where several ranges of a write meet it", () => {
  const asked: number[] = [];
  const policy: EvictionPolicy = {
    allocates: ({ address }) => asked.push(address) % 2 === 1,
    before: () => [],
  };
  const machine = new DataMachine(topology, { policy, report: () => {} });
  machine.access(acp, "write", Extents.of([0, 8], [16, 24], [64, 128], [130, 131], [190, 200]));
  expect(asked).toEqual([0, 64, 128, 192]);
  expect([4, 20, 70, 130, 191, 195].map((at) => machine.inspect(at).copies[0])).toEqual([
    1,
    1,
    null,
    1,
    1,
    null,
  ]);
  asked.length = 0;
  machine.access(acp, "write", Extents.of([64, 128], [0, 64], [64, 128]));
  expect(asked).toEqual([64, 0]);
});

it("a policy sees an even sample of the lines of a large range", () => {
  const seen: number[] = [];
  const policy: EvictionPolicy = {
    allocates: () => false,
    before: (sites) => {
      seen.push(...sites.map(({ address }) => address));
      return [];
    },
  };
  const machine = new DataMachine(topology, { policy });
  machine.access(dma, "read", Extents.of([64, 64 + 64 * 1000]));
  expect(seen.length).toBeGreaterThan(60);
  expect(seen.length).toBeLessThanOrEqual(64);
  expect(new Set(seen.slice(1).map((address, i) => address - (seen[i] as number)))).toEqual(new Set([1024]));
});

it("runs where the analysis machine runs", () => {
  const same: Pick<AnalysisMachine, "access" | "maintain" | "topology"> = new DataMachine(topology);
  expect(same.topology).toBe(topology);
});
