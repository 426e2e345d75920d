// SPDX-License-Identifier: MIT
import {
  type Arch,
  alignDown,
  alignUp,
  type CacheMaintenance,
  type DmaDirection,
  definePlugin,
  deviceWrites,
  Extents,
  type Plugin,
} from "@dmabuf/core";

/** The CPU's caches down to memory, as one domain. */
const CPU = "cpu";
/** Bytes of a cache line on a Cortex-A9. */
const LINE = 32;
/** ns of CPU time for one line: an assumption, until somebody measures it. */
const LINE_COST = 20;

/** The DMA API's cache maintenance of 32-bit Arm, version 7, on a machine without an outer cache. */
class Armv7 implements Arch {
  readonly name = "armv7";
  readonly domains = { [CPU]: { line: LINE, speculates: true } };
  readonly cpuDomain = CPU;
  readonly dmaDefaultCoherent = false;

  /** What the device will overwrite is dropped instead of cleaned; what it will read is cleaned. */
  syncForDevice(extents: Extents, direction: DmaDirection): readonly CacheMaintenance[] {
    return direction === "from-device" ? invalidated(extents) : [{ kind: "clean", domain: CPU, extents }];
  }

  /** Dropped again, because lines may have been fetched speculatively during the transfer. */
  syncForCpu(extents: Extents, direction: DmaDirection): readonly CacheMaintenance[] {
    return deviceWrites(direction) ? invalidated(extents) : [];
  }

  lineCost(): number {
    return LINE_COST;
  }
}

/** Lines at the edges, which others may have a part of, are written back before they are dropped. */
function invalidated(extents: Extents): readonly CacheMaintenance[] {
  const edges: [number, number][] = [];
  const whole: [number, number][] = [];
  for (let i = 0; i < extents.count; i++) {
    const start = extents.starts[i] as number;
    const end = extents.ends[i] as number;
    const [first, last] = [alignUp(start, LINE), alignDown(end, LINE)];
    if (first > start) edges.push([first - LINE, first]);
    if (last < end && !(first > start && last < first)) edges.push([last, last + LINE]);
    if (first < last) whole.push([first, last]);
  }
  const operations: CacheMaintenance[] = [];
  if (edges.length > 0) operations.push({ kind: "flush", domain: CPU, extents: Extents.of(...edges) });
  if (whole.length > 0) operations.push({ kind: "invalidate", domain: CPU, extents: Extents.of(...whole) });
  return operations;
}

/** 32-bit Arm, version 7. */
export const armv7 = (): Plugin =>
  definePlugin({ name: "@acme/arch-armv7", provides: { arch: () => new Armv7() } });
