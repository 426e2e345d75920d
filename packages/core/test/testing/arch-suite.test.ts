// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import type { MaintenanceKind } from "../../src/coherency.ts";
import {
  type Arch,
  alignDown,
  alignUp,
  type CacheMaintenance,
  type DmaDirection,
  definePlugin,
  Extents,
  type Plugin,
  type VirtualCache,
} from "../../src/index.ts";
import { archSuite, type SuiteTest, toyArch } from "../../src/testing.ts";

const failures = (suite: readonly SuiteTest[]): string[] =>
  suite
    .filter(({ run }) => {
      try {
        run();
        return false;
      } catch {
        return true;
      }
    })
    .map(({ name }) => name);

const plugin = (make: () => Arch): Plugin => definePlugin({ name: "@acme/arch", provides: { arch: make } });

/** The toy architecture with one part replaced. */
const toyWith = (change: Partial<Arch>): Plugin =>
  plugin(() => {
    const toy = toyArch().provides.arch?.() as Arch;
    return {
      name: toy.name,
      domains: toy.domains,
      cpuDomain: toy.cpuDomain,
      dmaDefaultCoherent: false,
      syncForDevice: (extents, direction) => toy.syncForDevice(extents, direction),
      syncForCpu: (extents, direction) => toy.syncForCpu(extents, direction),
      lineCost: (kind, domain) => toy.lineCost(kind, domain),
      ...change,
    };
  });

const on = (kind: MaintenanceKind, extents: Extents, domain = "cpu"): CacheMaintenance => ({
  kind,
  domain,
  extents,
});

describe("the toy architecture passes", () => {
  for (const { name, run } of archSuite(toyArch)) test(name, run);

  test("names are sentences of their own", () => {
    const names = archSuite(toyArch).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

const NAMES = "names its CPU's domain, and lines that are powers of two";
const TIME = "takes time for a line of maintenance";
const HAS = "can write lines back and drop them, and asks for no operation that a domain does not have";
const DRIVER = "what a driver flushes is right for a device that does not snoop, and for the CPU after it";
const SAME = "asks for the same maintenance every time, on domains of its own";
const TO = "to-device: the device reads what the CPU wrote";
const FROM = "from-device: the CPU reads what the device wrote, and nothing lands on it";
const BOTH = "bidirectional: both, in turns";
const BESIDE = "loses nothing that shares a line with the ranges";
const OTHER = "works on no line but those of the ranges";
const BYTES = "holds on real bytes, whatever the cache does by itself";

const ADDRESS = "finds a domain of its own for every virtual address, the same one each time";
const VMAP_TO = "the device reads what was written through another address, once that is flushed";
const VMAP_FROM =
  "what the device wrote is read through another address, once that is flushed and invalidated";

/** The toy architecture with a cache behind its own, and maintenance of both in some order. */
const stacked = (change: Partial<Arch> = {}): Plugin =>
  toyWith({
    domains: { cpu: { line: 64, behind: "outer" }, outer: { line: 64 } },
    syncForDevice: (extents) => [on("clean", extents), on("clean", extents, "outer")],
    syncForCpu: (extents, direction) => {
      if (toDevice(direction)) return [];
      const kind = extents.isAligned(64) ? "invalidate" : "flush";
      return [on(kind, extents, "outer"), on(kind, extents)];
    },
    ...change,
  });

/** The toy architecture with a cache that is looked up by virtual address, in two colours. */
const coloured = (change: Partial<VirtualCache> = {}): Plugin =>
  toyWith({
    domains: { cpu: { line: 64 }, alias: { line: 64 } },
    virtualCache: {
      domainAt: (virtual, physical) => ((virtual - physical) % 8192 === 0 ? "cpu" : "alias"),
      flushVmapRange: (domain, extents) => [on("flush", extents, domain)],
      invalidateVmapRange: (domain, extents) => [on("flush", extents, domain)],
      ...change,
    },
  });

describe.each([
  ["a cache behind another", () => stacked()],
  ["a cache with aliases", () => coloured()],
])("so does one with %s", (_what, make) => {
  for (const { name, run } of archSuite(make)) test(name, run);
});

const toDevice = (direction: DmaDirection): boolean => direction === "to-device";

const never = Number.POSITIVE_INFINITY;
const all = { domain: "cpu", bytes: 2 ** 20, ns: 1000 };

let calls = 0;
const mutants: (readonly [fault: string, found: string, make: () => Plugin])[] = [
  ["names a domain that it does not have", NAMES, () => toyWith({ cpuDomain: "L2" })],
  ["has lines of 48 bytes", NAMES, () => toyWith({ domains: { cpu: { line: 48 } } })],
  ["has no name", NAMES, () => toyWith({ name: "" })],
  ["takes no time for maintenance", TIME, () => toyWith({ lineCost: () => 0 })],
  ["takes no time that is a number", TIME, () => toyWith({ lineCost: () => Number.NaN })],
  ["takes no time for a flush", TIME, () => toyWith({ lineCost: (kind) => (kind === "flush" ? 0 : 10) })],
  [
    "takes no time for a flush of everything",
    TIME,
    () => toyWith({ driverFlush: { range: (extents) => [on("flush", extents)], all: { ...all, ns: 0 } } }),
  ],
  [
    "asks for a clean that it does not have",
    HAS,
    () => toyWith({ lineCost: (kind) => (kind === "clean" ? never : 10) }),
  ],
  [
    "cannot write anything back",
    HAS,
    () => toyWith({ lineCost: (kind) => (kind === "invalidate" ? 10 : never) }),
  ],
  ["can only clean", HAS, () => toyWith({ lineCost: (kind) => (kind === "clean" ? 10 : never) })],
  [
    "offers drivers a flush that it does not have",
    HAS,
    () =>
      toyWith({
        lineCost: (kind) => (kind === "flush" ? never : 10),
        driverFlush: { range: (extents) => [on("flush", extents)], all },
      }),
  ],
  [
    "flushes all of a domain that it does not have",
    SAME,
    () =>
      toyWith({
        driverFlush: { range: (extents) => [on("flush", extents)], all: { ...all, domain: "outer" } },
      }),
  ],
  [
    "only cleans for drivers that flush",
    DRIVER,
    () => toyWith({ driverFlush: { range: (extents) => [on("clean", extents)], all } }),
  ],
  [
    "depends on what was asked before",
    SAME,
    () => toyWith({ syncForDevice: (extents) => (calls++ % 2 === 0 ? [on("clean", extents)] : []) }),
  ],
  [
    "maintains a domain that it does not have",
    SAME,
    () => toyWith({ syncForDevice: (extents) => [on("clean", extents, "outer")] }),
  ],
  [
    "does not clean for a device that reads",
    TO,
    () =>
      toyWith({ syncForDevice: (extents, direction) => (toDevice(direction) ? [] : [on("clean", extents)]) }),
  ],
  [
    "invalidates where it should clean",
    TO,
    () => toyWith({ syncForDevice: (extents) => [on("invalidate", extents)] }),
  ],
  [
    "cleans the first segment only",
    TO,
    () => toyWith({ syncForDevice: ({ pairs }) => [on("clean", new Extents(pairs.slice(0, 2)))] }),
  ],
  [
    "forgets the line at the end of a range",
    TO,
    () =>
      toyWith({
        syncForDevice: ({ starts, ends }) =>
          [...starts].flatMap((start, i) => {
            const whole = [alignDown(start, 64), alignDown(ends[i] as number, 64)] as const;
            return whole[0] < whole[1] ? [on("clean", Extents.of(whole))] : [];
          }),
      }),
  ],
  [
    "does not clean for a device that writes, so that dirty lines land on its data",
    FROM,
    () =>
      toyWith({ syncForDevice: (extents, direction) => (toDevice(direction) ? [on("clean", extents)] : []) }),
  ],
  ["does not invalidate for the CPU", FROM, () => toyWith({ syncForCpu: () => [] })],
  [
    "invalidates before the device writes and not after, as if nothing were filled meanwhile",
    FROM,
    () => toyWith({ syncForDevice: (extents) => [on("flush", extents)], syncForCpu: () => [] }),
  ],
  [
    "cleans where it should invalidate",
    FROM,
    () => toyWith({ syncForCpu: (extents) => [on("clean", extents)] }),
  ],
  [
    "invalidates the first segment only",
    FROM,
    () => toyWith({ syncForCpu: ({ pairs }) => [on("flush", new Extents(pairs.slice(0, 2)))] }),
  ],
  [
    "forgets that a device may do both",
    BOTH,
    () =>
      toyWith({
        syncForCpu: (extents, direction) => (direction === "from-device" ? [on("flush", extents)] : []),
      }),
  ],
  [
    "does not clean for both ways",
    BOTH,
    () =>
      toyWith({
        syncForDevice: (extents, direction) => (direction === "bidirectional" ? [] : [on("clean", extents)]),
      }),
  ],
  [
    "drops lines that it shares after the transfer",
    BESIDE,
    () =>
      toyWith({
        syncForCpu: (extents, direction) => (toDevice(direction) ? [] : [on("invalidate", extents)]),
      }),
  ],
  [
    "drops lines that it shares before the transfer",
    BESIDE,
    () =>
      toyWith({
        syncForDevice: (extents, direction) => [
          on(direction === "from-device" ? "invalidate" : "clean", extents),
        ],
      }),
  ],
  [
    "invalidates a line too far",
    OTHER,
    () =>
      toyWith({
        syncForCpu: (extents, direction) => {
          if (toDevice(direction)) return [];
          const ends = extents.ends.map((end) => alignUp(end, 64) + 64);
          return [on("flush", Extents.each(extents.starts, ends))];
        },
      }),
  ],
  [
    "for the device, works on the outer cache before the inner one",
    TO,
    () => stacked({ syncForDevice: (extents) => [on("clean", extents, "outer"), on("clean", extents)] }),
  ],
  [
    "for the device that writes, drops the outer cache's lines before the inner one's",
    FROM,
    () =>
      stacked({
        syncForDevice: (extents, direction) =>
          direction === "from-device"
            ? [on("flush", extents, "outer"), on("flush", extents)]
            : [on("clean", extents), on("clean", extents, "outer")],
      }),
  ],
  [
    "for the CPU, works on the inner cache before the outer one",
    FROM,
    () =>
      stacked({
        syncForCpu: (extents, direction) =>
          toDevice(direction) ? [] : [on("flush", extents), on("flush", extents, "outer")],
      }),
  ],
  [
    "forgets the outer cache for the device",
    TO,
    () => stacked({ syncForDevice: (extents) => [on("clean", extents)] }),
  ],
  [
    "forgets the outer cache for the CPU",
    FROM,
    () =>
      stacked({
        syncForCpu: (extents, direction) => (toDevice(direction) ? [] : [on("flush", extents)]),
      }),
  ],
  [
    "drops lines of the outer cache that it shares",
    BESIDE,
    () =>
      stacked({
        syncForCpu: (extents, direction) =>
          toDevice(direction) ? [] : [on("invalidate", extents, "outer"), on("flush", extents)],
      }),
  ],
  [
    "has caches behind each other in a circle",
    NAMES,
    () => stacked({ domains: { cpu: { line: 64, behind: "outer" }, outer: { line: 64, behind: "cpu" } } }),
  ],
  ["knows no domain for some addresses", ADDRESS, () => coloured({ domainAt: () => "colour-3" })],
  [
    "finds another domain for the same address",
    ADDRESS,
    () => coloured({ domainAt: () => (calls++ % 2 === 0 ? "cpu" : "alias") }),
  ],
  ["does not flush other addresses", VMAP_TO, () => coloured({ flushVmapRange: () => [] })],
  [
    "flushes the linear map's lines instead",
    VMAP_TO,
    () => coloured({ flushVmapRange: (_domain, extents) => [on("flush", extents)] }),
  ],
  ["does not invalidate other addresses", VMAP_FROM, () => coloured({ invalidateVmapRange: () => [] })],
  ["does not clean, with real bytes", BYTES, () => toyWith({ syncForDevice: () => [] })],
  ["does not invalidate, with real bytes", BYTES, () => toyWith({ syncForCpu: () => [] })],
];

describe("a faulty architecture is found", () => {
  test.each(mutants)("%s: %s", (_fault, found, make) => {
    expect(failures(archSuite(make))).toContain(found);
  });

  test("and every test of the suite finds one, but for what core sees to", () => {
    const byCore = "runs a board whose coherent device gets no maintenance";
    const names = archSuite(toyArch).map(({ name }) => name);
    expect([...new Set(mutants.map(([, found]) => found)), byCore].sort()).toEqual(names.sort());
  });
});

describe("the suite adapts to an architecture on which all DMA snoops", () => {
  const snooping = (): Plugin =>
    toyWith({ dmaDefaultCoherent: true, syncForDevice: () => [], syncForCpu: () => [] });

  test("which asks for nothing", () => {
    expect(failures(archSuite(snooping, { noncoherent: false }))).toEqual([]);
  });

  test("and must not ask for anything", () => {
    expect(failures(archSuite(toyArch, { noncoherent: false }))).toEqual(["asks for no maintenance"]);
  });
});

test("a plugin without an architecture fails everything", () => {
  const make = (): Plugin => definePlugin({ name: "@acme/none", provides: { exporters: {} } });
  const suite = archSuite(make);
  expect(failures(suite)).toHaveLength(suite.length);
  expect(() => suite[0]?.run()).toThrow("@acme/none provides no architecture");
});
