// SPDX-License-Identifier: MIT
import { KernelError } from "../../error.ts";
import type { PhysicalMemory } from "../../memory/physical-memory.ts";
import type { Diagnostics } from "../../sim/diagnostic.ts";
import type { MapRequest } from "../backend/dma-backend.ts";
import { segmentLimitsOf } from "../dma-constraints.ts";
import type { DmaDevice } from "../dma-device.ts";
import { capable, unreachable } from "../dma-reach.ts";
import { physToDma } from "../dma-window.ts";
import { Bounce } from "./bounce.ts";
import type { BounceReason, MappedRange } from "./bounce-reason.ts";
import { maxMappingSize } from "./slot.ts";
import type { DeviceBouncing } from "./swiotlb.ts";
import type { SwiotlbPool } from "./swiotlb-pool.ts";

/** A range that got a bounce buffer, and why. */
export interface TakenSlots {
  readonly bounce: Bounce;
  readonly reason: BounceReason;
}

/** One that its device reaches without an IOMMU. */
export interface ReachedSlots extends TakenSlots {
  /** Bus address of the bounce buffer. */
  readonly dmaAddress: number;
}

/** CPU physical address - bus address of a pool, as the device sees it. */
const offsetOf = ({ windows }: DmaDevice, { start }: SwiotlbPool, { direction }: MapRequest): number =>
  start - (physToDma(windows, start, direction) ?? start);

/**
 * Takes slots for a range that bounces. Throws `KernelError` EIO where there are none for it (D-45), and where the device
 * cannot reach them (D-46), of which the kernel warns as well. @see swiotlb_map
 */
export function takeSlots(
  request: MapRequest,
  range: MappedRange,
  reason: BounceReason,
  bouncing: DeviceBouncing,
  diagnostics: Diagnostics,
): ReachedSlots {
  const { device, direction, operation } = request;
  const bounce = allocateSlots(request, range, reason, bouncing);
  const { address, size } = bounce;
  const dmaAddress = capable(device, address, address + size, direction, device.masks.streaming);
  if (dmaAddress === null) {
    bouncing.pool.release(bounce.slots);
    const why = `its bounce buffer at 0x${address.toString(16)} is out of reach as well`;
    diagnostics.warn("D-46", operation, `${device.name}: ${why}`);
    throw notBounced(request, range, reason, why);
  }
  return { bounce, reason, dmaAddress };
}

/**
 * Slots for a range wherever there are some. Throws `KernelError` EIO where there are none (D-45).
 *
 * @param allocAlignMask bits in which the allocation begins and ends with zeroes; an IOMMU's granule less 1
 * @see swiotlb_tbl_map_single
 */
export function allocateSlots(
  request: MapRequest,
  range: MappedRange,
  reason: BounceReason,
  { pool }: DeviceBouncing,
  allocAlignMask = 0,
): Bounce {
  const { device, direction } = request;
  const { start, size } = range;
  const minAlignMask = device.minAlignMask ?? 0;
  const slots = pool.allocate({
    ...{ original: start, size, minAlignMask, allocAlignMask },
    boundaryMask: segmentLimitsOf(device).segmentBoundaryMask,
    dmaOffset: offsetOf(device, pool, request),
  });
  if (typeof slots === "string") {
    const why =
      slots === "full"
        ? `the bounce buffers are full: ${pool.used} of ${pool.slots} slots are in use, and ${size} bytes find no place`
        : `${size} bytes are too large for a bounce buffer, which has ${maxMappingSize(minAlignMask)} at most`;
    throw notBounced(request, range, reason, why);
  }
  return new Bounce(start, size, direction, slots);
}

/** Whether the CPU can copy it: memory of other devices is not bounced (D-20). */
export const isRam = (
  { attributes }: MapRequest,
  { start }: MappedRange,
  memory: Pick<PhysicalMemory, "regionAt">,
): boolean => attributes.mmio !== true && memory.regionAt(start)?.kind === "ram";

/** Throws `KernelError` EIO for a range that must bounce and of which a copy is no use. */
export function demandCopyable(
  request: MapRequest,
  range: MappedRange,
  reason: BounceReason,
  memory: Pick<PhysicalMemory, "regionAt">,
): void {
  if (!isRam(request, range, memory))
    throw notBounced(request, range, reason, "it is no RAM, which alone can be copied");
  if (request.attributes.requireCoherent === true)
    throw notBounced(request, range, reason, "the mapping must be coherent, and a copy is not");
}

const whyAll = {
  forced: "all its mappings are",
  "unaligned-kmalloc": "it may share a cache line",
  untrusted: "which is untrusted, and this is not whole granules",
} as const;

/** Why a range that must bounce cannot: what keeps the device from it, and what keeps it from a bounce buffer. */
export function notBounced(
  { device, operation }: MapRequest,
  { start, size }: MappedRange,
  reason: BounceReason,
  why: string,
): KernelError {
  if (reason.kind === "beyond-limit") {
    const error = unreachable(device, start, start + size, operation, device.masks.streaming);
    return new KernelError("EIO", operation, `${error.reason}; ${why}`);
  }
  const must = whyAll[reason.kind];
  const place = `[0x${start.toString(16)}, 0x${(start + size).toString(16)})`;
  return new KernelError("EIO", operation, `${place} has to be bounced for ${device.name} (${must}); ${why}`);
}
