// SPDX-License-Identifier: MIT
import { PAGE_SIZE, type PhysAddr } from "../address.ts";
import type { MemoryMachine } from "../coherency/memory-machine.ts";
import type { Arch } from "../dma/arch.ts";
import type { Cpu } from "../dma/cpu.ts";
import { KernelError } from "../error.ts";
import { tableFetch, tableWrite } from "../iommu/iommu-trace.ts";
import type { TableMemory } from "../iommu/table-memory.ts";
import { Extents } from "../memory/extents.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import type { Simulation } from "../sim/simulation.ts";
import type { StringId } from "../sim/tracepoint.ts";
import { routeThrough } from "./port-route.ts";

/** How the walker of an IOMMU gets at its tables. */
export interface TableMemoryOptions {
  /** The IOMMU, as messages name it. */
  readonly owner: string;
  /** Whether it snoops the CPU's caches. */
  readonly coherentWalk: boolean;
  /** Tables lie below 4 GiB, for an IOMMU that reads them with 32 bits (`GFP_DMA32`); default anywhere. */
  readonly below4GiB?: boolean;
}

/** What table memory works with. */
interface Hands {
  readonly simulation: Simulation;
  readonly machine: MemoryMachine;
  readonly memory: PhysicalMemory;
  readonly arch: Arch;
  readonly cpu: Cpu;
}

/**
 * Page tables in the memory of the board. The CPU writes them through its caches and a walker that does not snoop reads them past
 * those, so that a descriptor which was not cleaned is a stale read like any other. For one that snoops nothing is noted. The
 * machine is one for tables alone: what they owe is not what buffers owe.
 */
export class MachineTables implements TableMemory {
  readonly #hands: Hands;
  readonly #options: TableMemoryOptions;
  /** Events name who reads and writes. */
  readonly #owner: StringId;

  constructor(hands: Hands, options: TableMemoryOptions) {
    this.#hands = hands;
    this.#options = options;
    this.#owner = hands.simulation.trace.intern(options.owner);
  }

  allocate(bytes: number): PhysAddr {
    const { below4GiB = false, owner } = this.#options;
    const zone = below4GiB ? "dma32" : "normal";
    const address = this.#hands.memory.pages.allocatePages(orderOf(bytes), zone);
    if (address === null)
      throw new KernelError("ENOMEM", "iommu_map", `${owner}: no ${bytes} bytes for a table`);
    return address;
  }

  free(address: PhysAddr, bytes: number): void {
    this.#hands.memory.pages.freePages(address, orderOf(bytes));
  }

  wrote(address: PhysAddr, bytes: number): void {
    if (this.#options.coherentWalk) return;
    const { machine, simulation, cpu } = this.#hands;
    const event = simulation.trace.emit(tableWrite, this.#owner, address, bytes);
    machine.access(cpu.route, "write", Extents.of([address, address + bytes]), event);
  }

  sync(address: PhysAddr, bytes: number): void {
    if (this.#options.coherentWalk) return;
    const { arch, cpu, machine } = this.#hands;
    const extents = Extents.of([address, address + bytes]);
    const operations = arch.syncForDevice(extents, "to-device");
    // An architecture whose DMA all snoops maintains nothing for it: drivers flush what walkers read that do not.
    cpu.maintain(operations.length > 0 ? operations : (arch.driverFlush?.range(extents) ?? []), -1, machine);
  }

  fetched(address: PhysAddr, bytes: number): void {
    if (this.#options.coherentWalk) return;
    const { machine, simulation, arch } = this.#hands;
    const event = simulation.trace.emit(tableFetch, this.#owner, address, bytes);
    const route = machine.topology.route(routeThrough("direct", arch));
    machine.access(route, "read", Extents.of([address, address + bytes]), event);
  }
}

const orderOf = (bytes: number): number => Math.max(0, Math.ceil(Math.log2(bytes / PAGE_SIZE)));
