// SPDX-License-Identifier: MIT
import type { Extents } from "../memory/extents.ts";
import type { Trace } from "../sim/trace.ts";
import type { Tracepoint } from "../sim/tracepoint.ts";
import type { Arch, CacheMaintenance } from "./arch.ts";
import type { Placement } from "./backend/dma-backend.ts";
import type { Cpu } from "./cpu.ts";
import { checkDirection, type DmaDirection, directionNumber } from "./direction.ts";
import * as events from "./dma-trace.ts";
import {
  dmaAddressOf,
  type NoncontiguousAllocation,
  type PageMapping,
  type PagesAllocation,
  type SgMapping,
} from "./mapping.ts";

/** Which part of a mapping is synced, and for what; default all of it, for its own direction (D-5). */
export interface SyncedPart {
  readonly offset?: number;
  readonly size?: number;
  readonly direction?: DmaDirection;
}

/** The sync calls of the DMA API: mapped memory changes hands and stays mapped (D-4). */
export class DmaSyncs {
  protected readonly trace: Trace;
  readonly #arch: Arch;
  readonly #cpu: Cpu;

  constructor(trace: Trace, arch: Arch, cpu: Cpu) {
    this.trace = trace;
    this.#arch = arch;
    this.#cpu = cpu;
  }

  /** Hands a part of a contiguous range to the CPU for a while (D-4, D-5). @see dma_sync_single_range_for_cpu */
  syncSingleForCpu(mapping: PageMapping | PagesAllocation, part: SyncedPart = {}): void {
    const { extents, direction, event } = this.#syncedPart(events.dmaSyncSingleForCpu, mapping, part);
    if (extents !== null) this.#handing(mapping).syncForCpu(extents, direction, event);
  }

  /** Hands it back to the device. @see dma_sync_single_range_for_device */
  syncSingleForDevice(mapping: PageMapping | PagesAllocation, part: SyncedPart = {}): void {
    const { extents, direction, event } = this.#syncedPart(events.dmaSyncSingleForDevice, mapping, part);
    if (extents !== null) this.#handing(mapping).syncForDevice(extents, direction, event);
  }

  /** Hands mapped memory to the CPU for a while (D-4). @see dma_sync_sgtable_for_cpu */
  syncSgtableForCpu(
    mapping: SgMapping | NoncontiguousAllocation,
    direction: DmaDirection = mapping.direction,
    entries?: number,
  ): void {
    const event = this.#emitSync(events.dmaSyncSgForCpu, mapping, direction, entries);
    this.#handing(mapping).syncForCpu(mapping.extents, direction, event);
  }

  /** Hands mapped memory back to the device (D-4). @see dma_sync_sgtable_for_device */
  syncSgtableForDevice(
    mapping: SgMapping | NoncontiguousAllocation,
    direction: DmaDirection = mapping.direction,
    entries?: number,
  ): void {
    const event = this.#emitSync(events.dmaSyncSgForDevice, mapping, direction, entries);
    this.#handing(mapping).syncForDevice(mapping.extents, direction, event);
  }

  /** Who hands a mapping over; an allocation is memory that its device reaches, so only the caches are in between. */
  #handing(
    mapping: PageMapping | SgMapping | PagesAllocation | NoncontiguousAllocation,
  ): Pick<Placement, "syncForDevice" | "syncForCpu" | "within"> {
    if ("placement" in mapping) return mapping.placement;
    const [arch, cpu] = [this.#arch, this.#cpu];
    const maintain = (operations: readonly CacheMaintenance[], event: number): void => {
      if (!mapping.device.coherent) cpu.maintain(operations, event);
    };
    return {
      syncForDevice: (part, direction, event) => maintain(arch.syncForDevice(part, direction), event),
      syncForCpu: (part, direction, event) => maintain(arch.syncForCpu(part, direction), event),
    };
  }

  #syncedPart(
    point: Tracepoint<typeof events.dmaSyncSingleForCpu.fields>,
    mapping: PageMapping | PagesAllocation,
    { offset = 0, size = mapping.size - offset, direction = mapping.direction }: SyncedPart,
  ): { extents: Extents | null; direction: DmaDirection; event: number } {
    checkDirection(direction);
    const name = this.trace.intern(mapping.device.name);
    const event = this.trace.emit(
      point,
      name,
      dmaAddressOf(mapping) + offset,
      size,
      directionNumber(direction),
    );
    // What lies outside is somebody else's: the finding says so, and nothing of it is touched.
    const inside = offset >= 0 && size > 0 && offset + size <= mapping.size;
    const extents = inside
      ? mapping.extents.slice(offset, size)
      : (this.#handing(mapping).within?.(offset, size, point.name) ?? null);
    return { extents, direction, event };
  }

  #emitSync(
    point: Tracepoint<typeof events.dmaSyncSgForCpu.fields>,
    mapping: SgMapping | NoncontiguousAllocation,
    direction: DmaDirection,
    entries = mapping.kind === "noncontiguous" ? 1 : mapping.extents.count,
  ): number {
    checkDirection(direction);
    return this.trace.emit(
      point,
      this.trace.intern(mapping.device.name),
      dmaAddressOf(mapping),
      mapping.extents.bytes,
      directionNumber(direction),
      entries,
    );
  }
}
