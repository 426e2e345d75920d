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
      {
        index: 0,
        name: "cpu",
        line: 64,
        speculates: true,
        evicts: true,
        behind: null,
        exclusive: false,
        bounce: null,
        slot: null,
      },
      {
        index: 1,
        name: "gpu",
        line: 128,
        speculates: false,
        evicts: true,
        behind: null,
        exclusive: false,
        bounce: null,
        slot: null,
      },
      {
        index: 2,
        name: "slot",
        line: 4096,
        speculates: true,
        evicts: false,
        behind: null,
        exclusive: false,
        bounce: null,
        slot: null,
      },
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

  it("may have domains behind each other", () => {
    const { domains } = new Topology({
      domains: {
        l2: { line: 32, behind: "l3", exclusive: true },
        cpu: { line: 32, behind: "l2" },
        l3: { line: 32 },
      },
    });
    const [l2, cpu, l3] = domains;
    expect(cpu?.behind).toBe(l2);
    expect(l2?.behind).toBe(l3);
    expect(l3?.behind).toBeNull();
    expect(domains.map(({ exclusive }) => exclusive)).toEqual([true, false, false]);
  });

  const line = 32;
  it.each<[string, TopologySpec["domains"], string]>([
    ["itself", { cpu: { line, behind: "cpu" } }, 'domain "cpu": behind: a domain does not lie behind itself'],
    [
      "an unknown domain",
      { cpu: { line, behind: "outr" }, outer: { line } },
      'domain "cpu": behind: no domain "outr"; did you mean "outer"?',
    ],
    [
      "a domain where there is no other",
      { cpu: { line, behind: "l2" } },
      'domain "cpu": behind: no domain "l2"',
    ],
    [
      "a circle",
      { gpu: { line, behind: "l1" }, l1: { line, behind: "l2" }, l2: { line, behind: "l1" } },
      'domain "l1": behind: the chain l1 -> l2 -> l1 has no end',
    ],
  ])("refuses to lie behind %s", (_, domains, message) => {
    expect(() => new Topology({ domains })).toThrow(new TypeError(message));
  });

  it("refuses to lie behind a domain with lines of another size", () => {
    const domains = { cpu: { line: 32, behind: "l2" }, l2: { line: 64 } };
    expect(() => new Topology({ domains })).toThrow(
      new TypeError(
        'domain "cpu": behind: "l2" has lines of 64 bytes, "cpu" of 32; a stack has lines of one size',
      ),
    );
  });

  it("refuses to be exclusive of nothing", () => {
    expect(() => new Topology({ domains: { cpu: { line, exclusive: true } } })).toThrow(
      new TypeError('domain "cpu": exclusive: nothing sits in front of "cpu"'),
    );
    expect(
      () => new Topology({ domains: { cpu: { line, behind: "l2", exclusive: true }, l2: { line } } }),
    ).toThrow(/exclusive: nothing sits in front of "cpu"; known: l2$/);
  });
});
