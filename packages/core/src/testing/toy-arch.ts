// SPDX-License-Identifier: MIT
import type { Arch, CacheMaintenance, DriverFlush } from "../dma/arch.ts";
import { type DmaDirection, deviceWrites } from "../dma/direction.ts";
import type { Extents } from "../memory/extents.ts";
import { definePlugin, type Plugin } from "../platform/plugin.ts";

const LINE = 64;

/** One speculating domain of 64-byte lines: cleaned for the device, dropped for the CPU where the device wrote. */
class ToyArch implements Arch {
  readonly name = "toy";
  readonly domains = { cpu: { line: LINE } };
  readonly cpuDomain = "cpu";
  readonly dmaDefaultCoherent = false;

  /** For drivers that flush by themselves; a whole cache of 1 MiB. */
  readonly driverFlush: DriverFlush = {
    range: (extents) => [{ kind: "flush", domain: "cpu", extents }],
    all: { domain: "cpu", bytes: 1 << 20, ns: 160_000 },
  };

  syncForDevice(extents: Extents, _direction: DmaDirection): readonly CacheMaintenance[] {
    return [{ kind: "clean", domain: "cpu", extents }];
  }

  /** Lines that the ranges share with others are not dropped unwritten. */
  syncForCpu(extents: Extents, direction: DmaDirection): readonly CacheMaintenance[] {
    if (!deviceWrites(direction)) return [];
    return [{ kind: extents.isAligned(LINE) ? "invalidate" : "flush", domain: "cpu", extents }];
  }

  /** 10 ns: easy to count with. */
  lineCost(): number {
    return 10;
  }
}

/** The architecture of the suites: what a plugin is tested on that is no architecture itself. */
export const toyArch = (): Plugin =>
  definePlugin({ name: "@dmabuf/core:toy-arch", provides: { arch: () => new ToyArch() } });
