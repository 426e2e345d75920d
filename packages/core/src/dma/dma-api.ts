// SPDX-License-Identifier: MIT

import { inject, injectable } from "../di.ts";
import { KernelError } from "../error.ts";
import type { Extents } from "../memory/extents.ts";
import { SIMULATION } from "../service.ts";
import type { Simulation } from "../sim/simulation.ts";
import type { Trace } from "../sim/trace.ts";
import type { Tracepoint } from "../sim/tracepoint.ts";
import { token } from "../token.ts";
import { ARCH, type Arch } from "./arch.ts";
import { CPU, type Cpu } from "./cpu.ts";
import { type DmaDirection, dmaDirections } from "./direction.ts";
import type { DmaDevice } from "./dma-device.ts";
import { dmaMapSg, dmaSyncSgForCpu, dmaSyncSgForDevice, dmaUnmapSg } from "./dma-trace.ts";
import type { SgMapping } from "./sg-mapping.ts";

/** The DMA API of the running system. */
export const DMA_API = token<DmaApi>("core", "DmaApi");

/** Attributes of a mapping. */
export interface DmaAttributes {
  /** `DMA_ATTR_SKIP_CPU_SYNC`: no cache maintenance now; the user syncs by himself (D-11). */
  readonly skipCpuSync?: boolean;
}

const SKIP_CPU_SYNC = 1 << 5;

/**
 * The streaming DMA API for directly mapped devices: addresses are physical ones less the bus offset, nothing is
 * coalesced, and devices that are not coherent get the architecture's maintenance (D-20 to D-26). Not modelled: IOMMUs
 * and bounce buffers; memory beyond a device's reach is refused instead of bounced.
 */
@injectable()
export class DmaApi {
  readonly #arch: Arch;
  readonly #cpu: Cpu;
  readonly #trace: Trace;
  readonly #live = new Set<SgMapping>();

  constructor(@inject(ARCH) arch: Arch, @inject(CPU) cpu: Cpu, @inject(SIMULATION) simulation: Simulation) {
    this.#arch = arch;
    this.#cpu = cpu;
    this.#trace = simulation.trace;
  }

  /** Mappings that were not given back. */
  get live(): ReadonlySet<SgMapping> {
    return this.#live;
  }

  /**
   * Maps a scatterlist for a device. Throws `KernelError` EIO when the device cannot reach part of it (D-14: on a real
   * kernel swiotlb bounces it, and what is bounced is not shared). @see dma_map_sgtable
   */
  mapSgtable(
    device: DmaDevice,
    extents: Extents,
    direction: DmaDirection,
    { skipCpuSync = false }: DmaAttributes = {},
  ): SgMapping {
    checkDirection(direction);
    const { starts, ends, count } = extents;
    const limit = device.limit ?? Number.POSITIVE_INFINITY;
    const dmaAddresses = new Float64Array(count);
    const dmaLengths = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const start = (starts[i] as number) - device.offset;
      const end = (ends[i] as number) - device.offset;
      if (start < 0 || end > limit) throw unreachable(device, starts[i] as number, ends[i] as number);
      dmaAddresses[i] = start;
      dmaLengths[i] = end - start;
    }
    const mapping = { device, direction, extents, dmaAddresses, dmaLengths, nents: count, skipCpuSync };
    this.#live.add(mapping);
    const attrs = skipCpuSync ? SKIP_CPU_SYNC : 0;
    const event = this.#trace.emit(
      dmaMapSg,
      this.#trace.intern(device.name),
      count,
      count,
      extents.addressAt(0),
      dmaAddresses[0] as number,
      extents.bytes,
      dmaDirections.indexOf(direction),
      attrs,
    );
    if (!device.coherent && !skipCpuSync)
      this.#cpu.maintain(this.#arch.syncForDevice(extents, direction), event);
    return mapping;
  }

  /**
   * Gives a mapping back: the CPU owns the memory again (D-25). Throws `KernelError` EINVAL for a mapping that is not
   * live, where the kernel would corrupt memory. @see dma_unmap_sgtable
   */
  unmapSgtable(mapping: SgMapping, { skipCpuSync = false }: DmaAttributes = {}): void {
    const { device, direction, extents } = mapping;
    if (!this.#live.delete(mapping)) {
      throw new KernelError(
        "EINVAL",
        "dma_unmap_sgtable",
        `${device.name}: the mapping was given back before`,
      );
    }
    const event = this.#trace.emit(
      dmaUnmapSg,
      this.#trace.intern(device.name),
      mapping.dmaAddresses[0] as number,
      dmaDirections.indexOf(direction),
      skipCpuSync ? SKIP_CPU_SYNC : 0,
    );
    if (!device.coherent && !skipCpuSync)
      this.#cpu.maintain(this.#arch.syncForCpu(extents, direction), event);
  }

  /** Hands mapped memory to the CPU for a while (D-4). @see dma_sync_sgtable_for_cpu */
  syncSgtableForCpu(mapping: SgMapping, direction: DmaDirection = mapping.direction): void {
    checkDirection(direction);
    const event = this.#emitSync(dmaSyncSgForCpu, mapping, direction);
    if (!mapping.device.coherent)
      this.#cpu.maintain(this.#arch.syncForCpu(mapping.extents, direction), event);
  }

  /** Hands mapped memory back to the device (D-4). @see dma_sync_sgtable_for_device */
  syncSgtableForDevice(mapping: SgMapping, direction: DmaDirection = mapping.direction): void {
    checkDirection(direction);
    const event = this.#emitSync(dmaSyncSgForDevice, mapping, direction);
    if (!mapping.device.coherent)
      this.#cpu.maintain(this.#arch.syncForDevice(mapping.extents, direction), event);
  }

  #emitSync(
    point: Tracepoint<typeof dmaSyncSgForCpu.fields>,
    mapping: SgMapping,
    direction: DmaDirection,
  ): number {
    return this.#trace.emit(
      point,
      this.#trace.intern(mapping.device.name),
      mapping.dmaAddresses[0] as number,
      mapping.extents.bytes,
      dmaDirections.indexOf(direction),
    );
  }
}

/** D-2: an invalid direction is a BUG in the kernel. */
function checkDirection(direction: DmaDirection): void {
  if (!dmaDirections.includes(direction)) throw new TypeError(`not a DMA direction: ${direction}`);
}

function unreachable(device: DmaDevice, start: number, end: number): KernelError {
  const hex = (value: number): string => `0x${value.toString(16)}`;
  const reach =
    device.limit === null
      ? `its window begins at ${hex(device.offset)}`
      : `it reaches [${hex(device.offset)}, ${hex(device.limit + device.offset)})`;
  return new KernelError(
    "EIO",
    "dma_map_sgtable",
    `${device.name} cannot reach [${hex(start)}, ${hex(end)}): ${reach}`,
  );
}
