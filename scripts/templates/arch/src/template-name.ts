// SPDX-License-Identifier: MIT
import {
  type Arch,
  type CacheMaintenance,
  type DmaDirection,
  definePlugin,
  deviceWrites,
  type Extents,
  type Plugin,
} from "@dmabuf/core";

/** The CPU's caches down to the point of coherency, as one domain. */
const CPU = "cpu";
/** Bytes of a cache line. */
const LINE = 64;
/** ns of CPU time for one line: an assumption, until somebody measures it. */
const LINE_COST = 15;

/** Cache maintenance of the DMA API on template-name. */
class TemplateName implements Arch {
  readonly name = "template-name";
  readonly domains = { [CPU]: { line: LINE, speculates: true } };
  readonly cpuDomain = CPU;
  readonly dmaDefaultCoherent = false;

  /** Cleans, whatever the direction: a dirty line must not land on what the device is about to write. */
  syncForDevice(extents: Extents, _direction: DmaDirection): readonly CacheMaintenance[] {
    return [{ kind: "clean", domain: CPU, extents }];
  }

  /** Drops what the device may have written; a line that is shared with a neighbour is written back first. */
  syncForCpu(extents: Extents, direction: DmaDirection): readonly CacheMaintenance[] {
    if (!deviceWrites(direction)) return [];
    return [{ kind: extents.isAligned(LINE) ? "invalidate" : "flush", domain: CPU, extents }];
  }

  lineCost(): number {
    return LINE_COST;
  }
}

/** The template-name architecture. */
export const templateName = (): Plugin =>
  definePlugin({ name: "@dmabuf/arch-template-name", provides: { arch: () => new TemplateName() } });
