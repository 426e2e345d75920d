// SPDX-License-Identifier: MIT
import { parseSize, physAddr } from "../address.ts";
import type { MemoryMachine } from "../coherency/memory-machine.ts";
import type { DomainSpec } from "../coherency/topology.ts";
import type { Arch } from "../dma/arch.ts";
import { BounceDomain } from "../dma/swiotlb/bounce-domain.ts";
import { type BouncingDevice, bounceDomains } from "../dma/swiotlb/bounce-domain-spec.ts";
import { type DeviceBouncing, Swiotlb } from "../dma/swiotlb/swiotlb.ts";
import { SwiotlbPool } from "../dma/swiotlb/swiotlb-pool.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import type { BoardDescription, DeviceDescription } from "./board.ts";
import { bouncingDevices } from "./bounce-plan.ts";
import { portOf, routeThrough } from "./port-route.ts";

/** The bounce buffers of a board that boots: who has some, which domains they add, and the pools. */
export class Bouncing {
  /** What the devices that bounce add to the architecture's domains. */
  readonly domains: Readonly<Record<string, DomainSpec>>;
  readonly #board: BoardDescription;
  readonly #arch: Arch;
  readonly #common: SwiotlbPool | null;
  readonly #devices: readonly BouncingDevice[];
  readonly #copies: number;

  /** @param copies how many bounced mappings of the same bytes a device can have at a time */
  constructor(board: BoardDescription, arch: Arch, { swiotlb }: PhysicalMemory, copies: number) {
    this.#copies = copies;
    this.#board = board;
    this.#arch = arch;
    this.#common = swiotlb === null ? null : new SwiotlbPool(physAddr(swiotlb.base), { size: swiotlb.size });
    const common = swiotlb === null ? [] : bouncingDevices(board);
    const bounces = Object.entries(board.devices).filter(
      ([name, device]) => device.restrictedPool !== undefined || common.includes(name),
    );
    this.#devices = bounces.map(([name, device]) => {
      return { name, port: routeThrough(portOf(device), arch), coherent: device.coherent };
    });
    const copied = this.#devices.flatMap((device) => this.#copiesOf(device));
    this.domains = Object.assign({}, ...copied.map((device) => bounceDomains(device, arch)));
  }

  /** The bounce buffers on a machine that has the domains. */
  start(machine: MemoryMachine): Swiotlb {
    const { swiotlb = {}, pools = [], devices } = this.#board;
    const options = swiotlb === false ? {} : swiotlb;
    const restricted = new Map<string, SwiotlbPool>();
    for (const pool of pools) {
      if (pool.kind !== "restricted") continue;
      restricted.set(pool.name, new SwiotlbPool(physAddr(pool.base), { size: parseSize(pool.size) }));
    }
    const bouncing = new Map<string, DeviceBouncing>();
    for (const device of this.#devices) {
      const own = (devices[device.name] as DeviceDescription).restrictedPool ?? null;
      const pool = own === null ? this.#common : restricted.get(own);
      if (pool === null || pool === undefined) continue;
      const domains = this.#copiesOf(device).map((copy) => new BounceDomain(machine, copy, this.#arch));
      const forced = own !== null || options.force === true;
      bouncing.set(device.name, { pool, domains, forced, restricted: own });
    }
    return new Swiotlb(bouncing, options.kmalloc ?? null);
  }

  /** The device once for each bounce buffer that its domains can tell apart. */
  #copiesOf(device: BouncingDevice): BouncingDevice[] {
    return Array.from({ length: this.#copies }, (_, i) =>
      i === 0 ? device : { ...device, name: `${device.name} (${i + 1})` },
    );
  }
}
