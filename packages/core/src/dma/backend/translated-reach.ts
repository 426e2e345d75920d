// SPDX-License-Identifier: MIT
import type { DmaAddr } from "../../address.ts";
import type { AccessKind } from "../../coherency/operation.ts";
import { Extents } from "../../memory/extents.ts";
import type { Trace } from "../../sim/trace.ts";
import type { DmaDevice } from "../dma-device.ts";
import { IommuProt } from "../iova/iommu-prot.ts";
import type { IommuTable } from "../iova/iommu-table.ts";
import { iommuFaults, ioPageFault, staleTranslation, translationFault } from "../iova/iommu-trace.ts";

/** A stretch of bus addresses. */
export interface BusStretch {
  readonly address: number;
  /** Bytes. */
  readonly length: number;
}

/** A device at work: what it does, and the event that shows it. */
export interface DeviceWork {
  readonly kind: AccessKind;
  /** Sequence number of the event. */
  readonly event: number;
}

/**
 * The physical memory that a device gets at when it uses bus addresses one after the other, page by page through the TLB. It
 * ends at the first address that faults, with the event `iommu:io_page_fault`. Null when nothing was reached. What is
 * reached although it is unmapped leaves an event, too.
 */
export function translatedReach(
  device: DmaDevice,
  table: IommuTable,
  stretches: Iterable<BusStretch>,
  work: DeviceWork,
  trace: Trace,
): Extents | null {
  const access = work.kind === "read" ? IommuProt.READ : IommuProt.WRITE;
  const pairs: number[] = [];
  let wasStale = false;
  for (const { address, length } of stretches) {
    const end = address + length;
    for (let at = address; at < end; ) {
      const phys = table.translate(at as DmaAddr, access);
      if (phys === null) {
        fault(device, table, at as DmaAddr, work, trace);
        return extentsOf(pairs);
      }
      const isStale = table.isStale(at as DmaAddr);
      if (isStale && !wasStale) {
        const kind = work.kind === "read" ? 0 : 1;
        trace.emitCaused(work.event, staleTranslation, trace.intern(device.name), at, phys, kind);
      }
      wasStale = isStale;
      const stop = Math.min(end, at - (at % table.granule) + table.granule);
      if (pairs.at(-1) === phys) pairs[pairs.length - 1] = phys + stop - at;
      else pairs.push(phys, phys + stop - at);
      at = stop;
    }
  }
  return extentsOf(pairs);
}

function fault(
  device: DmaDevice,
  table: IommuTable,
  iova: DmaAddr,
  { kind, event }: DeviceWork,
  trace: Trace,
): void {
  const name = trace.intern(device.name);
  const reason = iommuFaults.indexOf(table.faultOf(iova));
  const cause = trace.emitCaused(event, translationFault, name, iova, reason);
  const flags = kind === "write" ? 1 : 0;
  trace.emitCaused(cause, ioPageFault, name, trace.intern(device.class), iova, flags);
}

const extentsOf = (pairs: readonly number[]): Extents | null =>
  pairs.length === 0 ? null : new Extents(Float64Array.from(pairs));
