// SPDX-License-Identifier: MIT
import {
  type Arch,
  assemble,
  type BootOptions,
  board,
  type CacheMaintenance,
  type DeviceDescription,
  type DmaDirection,
  definePlugin,
  type Extents,
  type System,
} from "../../src/index.ts";

/** An architecture that notes what it is asked, and asks for one clean (device) or one invalidate (CPU). */
class NotingArch implements Arch {
  readonly name = "noting";
  readonly domains = { cpu: { line: 64 } };
  readonly cpuDomain = "cpu";
  readonly dmaDefaultCoherent = false;
  readonly calls: string[] = [];

  syncForDevice(extents: Extents, direction: DmaDirection): readonly CacheMaintenance[] {
    this.calls.push(`for_device ${direction} ${extents.bytes}`);
    return [{ kind: "clean", domain: "cpu", extents }];
  }

  syncForCpu(extents: Extents, direction: DmaDirection): readonly CacheMaintenance[] {
    this.calls.push(`for_cpu ${direction} ${extents.bytes}`);
    return [{ kind: "invalidate", domain: "cpu", extents }];
  }

  lineCost(kind: string): number {
    return kind === "clean" ? 10 : 7;
  }
}

/** A running system with devices of one's own and what its architecture was asked. */
export function notingSystem(
  devices: Readonly<Record<string, Partial<DeviceDescription>>> = {},
  options: BootOptions = {},
): {
  system: System;
  calls: string[];
} {
  const arch = new NotingArch();
  const description = board({
    model: "noting",
    memory: [{ base: 0, size: "16MiB" }],
    swiotlb: false,
    cpuBandwidth: 1_000_000_000,
    devices: {
      plain: { class: "dma", coherent: false },
      snooping: { class: "dma", coherent: true },
      ...Object.fromEntries(
        Object.entries(devices).map(([name, rest]) => [name, { class: "dma", coherent: false, ...rest }]),
      ),
    },
  });
  const plugin = definePlugin({ name: "noting-arch", provides: { arch: () => arch } });
  return { system: assemble(description, [plugin]).boot(options), calls: arch.calls };
}
