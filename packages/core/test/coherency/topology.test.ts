// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { type RouteSpec, Topology, type TopologySpec } from "../../src/coherency.ts";

const spec: TopologySpec = {
  domains: { cpu: { line: 64 }, gpu: { line: 128, speculates: false }, slot: { line: 4096, evicts: false } },
  agents: {
    cpu: { route: "cached", domain: "cpu" },
    usb: { route: "direct" },
    hpc: { route: "snoop", domain: "cpu" },
    acp: { route: "snoop", domain: "cpu", writes: "allocate" },
  },
};

describe("a topology", () => {
  it("fills in what CPUs do", () => {
    expect(new Topology(spec).domains).toEqual([
      { index: 0, name: "cpu", line: 64, speculates: true, evicts: true },
      { index: 1, name: "gpu", line: 128, speculates: false, evicts: true },
      { index: 2, name: "slot", line: 4096, speculates: true, evicts: false },
    ]);
  });

  it("gives equal routes once, direct first", () => {
    const topology = new Topology(spec);
    expect(topology.routes.map(({ index }) => index)).toEqual(Array.from({ length: 10 }, (_, i) => i));
    expect(topology.routes[0]).toMatchObject({ kind: "direct", domain: null });
    expect(topology.agent("usb")).toBe(topology.routes[0]);
    expect(topology.route({ route: "snoop", domain: "cpu" })).toBe(topology.agent("hpc"));
    expect(topology.agent("acp")).toMatchObject({ kind: "snoop-allocate", domain: { name: "cpu" } });
    expect(topology.agent("acp")).not.toBe(topology.agent("hpc"));
    expect(topology.route({ route: "cached", domain: "gpu" }).domain).toBe(topology.domain("gpu"));
  });

  it("may have no domain at all", () => {
    const topology = new Topology({ domains: {}, agents: { dma: { route: "direct" } } });
    expect(topology.routes).toEqual([topology.agent("dma")]);
  });

  it.each([0, 3, 48, 8192, -64, 0.5, Number.NaN, Number.POSITIVE_INFINITY])(
    "refuses lines of %d bytes",
    (line) => {
      expect(() => new Topology({ domains: { cpu: { line } } })).toThrow(
        new TypeError(`domain "cpu": line ${line} is not a power of two from 1 to 4096`),
      );
    },
  );

  it.each([1, 2, 32, 64, 4096])("takes lines of %d bytes", (line) => {
    expect(new Topology({ domains: { cpu: { line } } }).domains[0]?.line).toBe(line);
  });

  it("names what is meant when a name is wrong", () => {
    const topology = new Topology(spec);
    expect(() => topology.domain("cpus")).toThrow(/no domain "cpus".*cpu/);
    expect(() => topology.agent("usb0")).toThrow(/no agent "usb0".*usb/);
    expect(() => topology.domain("unheard-of")).toThrow(TypeError);
    const lost: RouteSpec = { route: "cached", domain: "l2" };
    expect(() => topology.route(lost)).toThrow(/no domain "l2"/);
    expect(() => new Topology({ domains: {}, agents: { npu: lost } })).toThrow(/no domain "l2"/);
  });
});
