// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { AnalysisMachine, Extents, type Hazard, Topology } from "../../src/coherency.ts";

function board() {
  const hazards: Hazard[] = [];
  const topology = new Topology({
    domains: { cpu: { line: 64 } },
    agents: { cpu: { route: "cached", domain: "cpu" }, dma: { route: "direct" } },
  });
  const machine = new AnalysisMachine(topology, (hazard) => hazards.push(hazard));
  const cpu = topology.agent("cpu");
  const dma = topology.agent("dma");
  const domain = topology.domain("cpu");
  return { hazards, machine, cpu, dma, domain };
}

describe("data that an invalidate discards", () => {
  const zeroed = Extents.of([0, 4096]);

  it("counts when it is read before it is written again, for just the bytes that are read", () => {
    const { hazards, machine, cpu, dma, domain } = board();
    machine.access(cpu, "write", zeroed);
    machine.maintain("invalidate", domain, zeroed);
    expect(hazards).toEqual([]);
    machine.access(dma, "write", Extents.of([0, 1024]));
    machine.access(cpu, "read", Extents.of([1000, 1100]));
    expect(hazards).toMatchObject([
      { code: "discarded-data", step: 1, readBy: 3, address: 1024, bytes: 76 },
      { code: "stale-read", step: 3, readBy: null, address: 1000, bytes: 100 },
    ]);
  });

  it("does not count when a device writes all of it first", () => {
    const { hazards, machine, cpu, dma, domain } = board();
    machine.access(cpu, "write", zeroed);
    machine.maintain("invalidate", domain, zeroed);
    machine.access(dma, "write", zeroed);
    machine.maintain("invalidate", domain, zeroed);
    machine.access(cpu, "read", zeroed);
    expect(hazards).toEqual([]);
  });

  it("counts again for every later read", () => {
    const { hazards, machine, cpu, domain } = board();
    machine.access(cpu, "write", zeroed);
    machine.maintain("invalidate", domain, zeroed);
    machine.access(cpu, "read", zeroed);
    machine.access(cpu, "read", zeroed);
    expect(hazards.filter(({ code }) => code === "discarded-data").map(({ readBy }) => readBy)).toEqual([
      2, 3,
    ]);
  });
});

describe("runs", () => {
  it("of equal state are one, whatever the buffer's pages, their order and their number", () => {
    const { machine, cpu } = board();
    const pages = Array.from(
      { length: 1000 },
      (_, i) => [((i * 37) % 1000) * 4096, ((i * 37) % 1000) * 4096 + 4096] as const,
    );
    machine.access(cpu, "write", Extents.of(...pages));
    expect(machine.runCount).toBe(2);
    const runs: number[][] = [];
    machine.forEachState(4096, 1001 * 4096, (state, start, end) => runs.push([state, start, end]));
    expect(runs).toEqual([
      [machine.stateAt(0), 4096, 1000 * 4096],
      [machine.table.initial, 1000 * 4096, 1001 * 4096],
    ]);
  });

  it("reach to the end of what 52 bits can address", () => {
    const { hazards, machine, cpu, dma } = board();
    const last = Extents.of([2 ** 52 - 65, 2 ** 52 - 1]);
    machine.access(cpu, "write", last);
    machine.access(dma, "read", last);
    expect(hazards).toMatchObject([{ code: "stale-read", address: 2 ** 52 - 65, bytes: 64 }]);
  });
});

it("keeps the cause of every operation", () => {
  const { machine, cpu, domain } = board();
  for (let i = 0; i < 200; i++) machine.access(cpu, "read", Extents.of([0, 1]), i * 10);
  machine.maintain("clean", domain, Extents.of([0, 1]));
  expect([0, 63, 64, 128, 199, 200].map((step) => machine.log.cause(step))).toEqual([
    0, 630, 640, 1280, 1990, -1,
  ]);
});
