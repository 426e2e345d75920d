// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Route } from "../../../src/coherency.ts";
import type { SgMapping } from "../../../src/dma/mapping.ts";
import { type DmaDirection, dmaDirections, Extents } from "../../../src/index.ts";
import { narrowSystem, PAGE } from "./narrow-system.ts";

const MIB = 2 ** 20;

const step = fc.record({
  op: fc.constantFrom(
    ...(["cpu-read", "cpu-write", "device-read", "device-write", "for-cpu", "for-device"] as const),
    ...(["map", "unmap", "skip", "device-read", "device-write"] as const),
  ),
  direction: fc.constantFrom(...dmaDirections),
  from: fc.nat(1 << 20),
  length: fc.integer({ min: 1, max: 256 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const drawn = fc.record({
  /** The highest address that the bus shows, in pages. */
  limit: fc.integer({ min: 1024, max: 4000 }),
  /** Lengths of the entries, in lines, and whether each bounces. */
  entries: fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.boolean()), { minLength: 1, maxLength: 4 }),
  steps: fc.array(step, { minLength: 8, maxLength: 30 }),
  seed: fc.nat(),
});
type Drawn = typeof drawn extends fc.Arbitrary<infer T> ? T : never;

/**
 * Why some entries bounce: they lie beyond the device's reach, or are parts of pages of an untrusted one behind an IOMMU, which
 * asks for less runs.
 */
const ways = [
  ["beyond its reach", "narrow", 1],
  ["untrusted, behind an IOMMU", "untrusted", 0.3],
] as const;
type Way = (typeof ways)[number][1];

/** A system with such a device, and ranges of which those bounce that are drawn so. */
function scene({ limit, entries, seed }: Drawn, coherent: boolean, way: Way) {
  const isNarrow = way === "narrow";
  const system = narrowSystem(
    {
      memory: [{ base: 0, size: 16 * MIB }],
      devices: {
        narrow: {
          class: "usb",
          coherent,
          port: coherent ? "snoop" : "direct",
          ...(isNarrow ? { limit: limit * PAGE } : { iommu: "strict", untrusted: true }),
        },
      },
    },
    { data: seed },
  );
  const starts = entries.map(([, bounces], i) =>
    isNarrow ? ((bounces ? limit : 1) + 2 * i) * PAGE : (1 + 2 * i) * PAGE + (bounces ? 512 : 0),
  );
  const extents = Extents.each(
    starts,
    entries.map(([lines, bounces], i) => (starts[i] as number) + (isNarrow || bounces ? lines * 64 : PAGE)),
  );
  return { system, extents, device: system.device("narrow"), cached: system.cpu.route };
}

const partOf = (extents: Extents, { from, length }: Step): readonly [offset: number, bytes: number] => {
  const offset = from % extents.bytes;
  return [offset, Math.min(length, extents.bytes - offset)];
};

test.each(ways)(
  "%s: memory holds what the matrix of copies leaves there, byte for byte (G.6)",
  (_, way, share) => {
    const seen = { bounced: 0, direct: 0, reads: 0 };
    const property = fc.property(drawn, (each) => {
      const { system, extents, device, cached } = scene(each, true, way);
      const { data, analysis, dma } = system;
      if (data === null) throw new TypeError("no data machine");
      const isBounced = new Uint8Array(extents.bytes);
      const bouncing = dma.testMap(device, extents, "bidirectional");
      for (const { entry } of bouncing) {
        const at = extents.offsets[entry] as number;
        isBounced.fill(1, at, at + (each.entries[entry]?.[0] ?? 0) * 64);
      }
      const original = new Uint8Array(extents.bytes);
      const slot = new Uint8Array(extents.bytes);
      const copy = (to: Uint8Array, source: Uint8Array): void =>
        isBounced.forEach((is, i) => {
          if (is === 1) to[i] = source[i] as number;
        });
      const touch = (kind: "read" | "write", route: Route, part: Extents, values: Uint8Array): Uint8Array => {
        analysis.access(route, kind, part);
        if (kind === "write") data.write(route, part, values);
        else data.read(route, part, values);
        return values;
      };
      touch("write", cached, extents, original);
      let mapping: SgMapping | null = null;
      let value = 0;
      for (const draw of each.steps) {
        const { op, direction } = draw;
        const [offset, bytes] = partOf(extents, draw);
        const part = extents.slice(offset, bytes);
        if (op === "cpu-write") {
          const values = new Uint8Array(bytes).fill(++value);
          original.set(values, offset);
          touch("write", cached, part, values);
        } else if (op === "cpu-read") {
          expect(touch("read", cached, part, new Uint8Array(bytes))).toEqual(
            original.slice(offset, offset + bytes),
          );
          seen.reads++;
        } else if (mapping === null) {
          if (op !== "map") continue;
          mapping = dma.mapSgtable(device, extents, direction);
          if (mapping.placement.bounced === null) seen.direct++;
          else seen.bounced++;
          copy(slot, original);
        } else if (op === "for-cpu") {
          dma.syncSgtableForCpu(mapping, direction);
          if (direction !== "to-device") copy(original, slot);
        } else if (op === "for-device") {
          dma.syncSgtableForDevice(mapping, direction);
          if (direction !== "from-device") copy(slot, original);
        } else if (op === "unmap" || op === "skip") {
          dma.unmapSgtable(mapping, { skipCpuSync: op === "skip" });
          if (op === "unmap" && mapping.direction !== "to-device") copy(original, slot);
          mapping = null;
        } else if (op === "device-read" || op === "device-write") {
          if (op === "device-write") value++;
          const kind = op === "device-write" ? "write" : "read";
          for (const reached of mapping.placement.reached(part, device.route, { kind, offset, event: -1 })) {
            const length = reached.extents.bytes;
            const values = new Uint8Array(length).fill(op === "device-write" ? value : 0);
            touch(op === "device-write" ? "write" : "read", reached.route, reached.extents, values);
            for (let i = 0; i < length; i++) {
              const at = extents.offsetOf(reached.extents.addressAt(i));
              const memory = isBounced[at] === 1 ? slot : original;
              if (op === "device-write") memory[at] = value;
              else expect(values[i]).toBe(memory[at]);
            }
          }
        }
      }
      if (mapping !== null) {
        dma.unmapSgtable(mapping);
        if (mapping.direction !== "to-device") copy(original, slot);
      }
      expect(touch("read", cached, extents, new Uint8Array(extents.bytes))).toEqual(original);
    });
    fc.assert(property, { seed: 20261120, numRuns: 150 * share });
    expect(seen.bounced).toBeGreaterThan(40 * share);
    expect(seen.direct).toBeGreaterThan(10 * share);
  },
);

test.each(ways)("%s: real bytes go stale only where the analysis says so", (_, way, share) => {
  let observed = 0;
  const property = fc.property(drawn, fc.boolean(), (each, coherent) => {
    const { system, extents, device, cached } = scene(each, coherent, way);
    const { dma, analysis, data, hazards } = system;
    if (data === null) throw new TypeError("no data machine");
    const access = (route: Route, kind: "read" | "write", part: Extents): void => {
      analysis.access(route, kind, part);
      data.access(route, kind, part);
    };
    access(cached, "write", extents);
    let mapping: SgMapping | null = dma.mapSgtable(device, extents, "bidirectional");
    for (const draw of each.steps) {
      const { op, direction } = draw;
      const [offset, bytes] = partOf(extents, draw);
      const part = extents.slice(offset, bytes);
      const kind = op.endsWith("read") ? "read" : "write";
      if (op.startsWith("cpu-")) access(cached, kind, part);
      else if (mapping === null) mapping = op === "map" ? dma.mapSgtable(device, extents, direction) : null;
      else if (op === "for-cpu") dma.syncSgtableForCpu(mapping, direction);
      else if (op === "for-device") dma.syncSgtableForDevice(mapping, direction);
      else if (op === "unmap" || op === "skip") {
        dma.unmapSgtable(mapping, { skipCpuSync: op === "skip" });
        mapping = null;
      } else if (op !== "map") {
        for (const reached of mapping.placement.reached(part, device.route, { kind, offset, event: -1 }))
          access(reached.route, kind, reached.extents);
      }
    }
    for (const { step: at, ranges } of system.observed) {
      const possible = hazards.filter(({ code, step: other }) => code === "stale-read" && other === at);
      for (let i = 0; i < ranges.length; i += 2) {
        const [start, end] = [ranges[i] as number, ranges[i + 1] as number];
        for (let byte = start; byte < end; byte++) {
          const isFound = possible.some(({ ranges: found }) =>
            found.some((low, j) => j % 2 === 0 && byte >= low && byte < (found[j + 1] as number)),
          );
          expect(isFound).toBe(true);
        }
      }
      observed++;
    }
  });
  fc.assert(property, { seed: 20261120, numRuns: 500 * share });
  expect(observed).toBeGreaterThan(50 * share);
});

test.each(ways)("%s: a random direction never leaves slots behind", (_, way, share) => {
  const property = fc.property(drawn, fc.constantFrom<DmaDirection>(...dmaDirections), (each, direction) => {
    const { system, extents, device } = scene(each, false, way);
    const one = system.dma.mapSgtable(device, extents, direction);
    system.dma.unmapSgtable(one);
    for (let i = 0; i < 200; i++) system.dma.unmapSgtable(system.dma.mapSgtable(device, extents, direction));
    return system.dma.live.size === 0 && one.nents === extents.count;
  });
  fc.assert(property, { seed: 20261120, numRuns: 10 * share });
});
