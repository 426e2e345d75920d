// SPDX-License-Identifier: MIT
import { arm64 } from "@dmabuf/arch-arm";
import { assemble, type BoardDescription, type IommuMode, type Pipeline, type RunReport } from "@dmabuf/core";
import { heaps } from "@dmabuf/exporter-heaps";
import { udmabuf } from "@dmabuf/exporter-udmabuf";
import { describe, expect, test } from "vitest";
import { coherentBoard, noncoherentBoard } from "../src/index.ts";

// What an IOMMU changes in the life of a buffer: where the device finds it, and nothing else.

const platformOf = (board: BoardDescription, iommu: IommuMode | null) => {
  const devices = Object.entries(board.devices).map(
    ([name, device]) => [name, iommu === null ? device : { ...device, iommu }] as const,
  );
  return assemble({ ...board, devices: Object.fromEntries(devices) }, [arm64(), udmabuf(), heaps()]);
};

const pipeline = (exporter: string, rest: Partial<Pipeline>): Pipeline => ({
  buffers: { frames: { size: "256KiB", count: 2 } },
  stages: [
    { device: "a", writes: "frames" },
    { device: "b", reads: "frames" },
    { name: "look", cpu: true, reads: "frames" },
  ],
  exporter,
  frames: 3,
  ...rest,
});

const told = ({ verdict, findings, maintenance, cost }: RunReport) => ({
  verdict,
  findings: findings.map(({ code, device, count, range, message }) => [code, device, count, range, message]),
  maintenance,
  cost,
});

describe.each([
  ["noncoherent", noncoherentBoard],
  ["coherent", coherentBoard],
] as const)("on the %s board", (_, board) => {
  test.each(["system", "udmabuf", "cma"])("buffers of %s fare as without an IOMMU", (exporter) => {
    for (const coherency of ["kernel", "device-to-device"] as const) {
      const run = (iommu: IommuMode | null) =>
        told(platformOf(board, iommu).run(pipeline(exporter, { coherency }), { scatter: { seed: 7 } }));
      const without = run(null);
      expect(run("strict")).toEqual(without);
      expect(run("lazy")).toEqual(without);
    }
  });
});

test("scattered pages are joined to segments as long as the device takes them (I-8)", () => {
  const nents = (iommu: IommuMode | null): [number, number] =>
    platformOf(noncoherentBoard, iommu).simulate(
      function* (system) {
        using buffer = yield* system.exporter("udmabuf").allocate(256 * 1024);
        const attachment = yield* buffer.attach(system.device("a"));
        const mapping = yield* attachment.mapUnlocked("to-device");
        const counts: [number, number] = [mapping.extents.count, mapping.nents];
        yield* attachment.unmapUnlocked(mapping);
        yield* attachment.detach();
        return counts;
      },
      { scatter: { seed: 7 } },
    );
  const [entries, direct] = nents(null);
  expect(entries).toBeGreaterThan(32);
  expect(direct).toBe(entries);
  expect(nents("lazy")).toEqual([entries, 4]);
});

test("a transfer of a part reaches that part, as without an IOMMU", () => {
  const staleBytes = (iommu: IommuMode | null): unknown[] =>
    platformOf(noncoherentBoard, iommu).simulate(
      function* (system) {
        using buffer = yield* system.exporter("udmabuf").allocate(64 * 1024);
        const attachment = yield* buffer.attach(system.device("a"));
        const mapping = yield* attachment.mapUnlocked("from-device");
        system.cpu.access("read", mapping.extents);
        let done = false;
        attachment.transfer(mapping, "write", 0x3100, 0x2000, () => (done = true));
        while (!done) yield 1_000_000;
        system.cpu.access("read", mapping.extents);
        yield* attachment.unmapUnlocked(mapping);
        yield* attachment.detach();
        const offset = (address: number): number => mapping.extents.offsetOf(address);
        return system.hazards.map(({ code, bytes, ranges }) => [
          code,
          bytes,
          Math.min(...[...ranges].filter((_, i) => i % 2 === 0).map(offset)),
        ]);
      },
      { scatter: { seed: 7 } },
    );
  expect(staleBytes(null)).toEqual([
    ["lost-write", 0x2000, 0x3100],
    ["stale-read", 0x2000, 0x3100],
  ]);
  expect(staleBytes("strict")).toEqual(staleBytes(null));
});
