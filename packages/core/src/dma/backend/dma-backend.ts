// SPDX-License-Identifier: MIT
import type { AccessKind } from "../../coherency/operation.ts";
import type { Route } from "../../coherency/topology.ts";
import type { Extents } from "../../memory/extents.ts";
import type { DmaDirection } from "../direction.ts";
import type { DmaAttributes } from "../dma-attributes.ts";
import type { DmaDevice } from "../dma-device.ts";
import type { BounceReason } from "../swiotlb/bounce-reason.ts";

/** What is to be mapped, and how. */
export interface MapRequest {
  readonly device: DmaDevice;
  /** Physical ranges, one an entry, in order. */
  readonly extents: Extents;
  readonly direction: DmaDirection;
  readonly attributes: DmaAttributes;
  /** The call as messages name it: `dma_map_page`, `dma_map_sgtable`. */
  readonly operation: string;
  /** Whether entries may be joined for the device: a scatterlist, not a page. */
  readonly list: boolean;
}

/** A part of a mapping as the device's accesses reach it. */
export interface Reached {
  readonly route: Route;
  /** Physical ranges, at the addresses of the originals. */
  readonly extents: Extents;
}

/** What a device does to a part of a mapping. */
export interface ReachingAccess {
  readonly kind: AccessKind;
  /** Byte of the mapping at which the part begins. */
  readonly offset: number;
  /** Sequence number of the event that shows it. */
  readonly event: number;
}

/**
 * A mapping as one backend has placed it: the bus addresses, and what handing it over takes. Handing over is told in the
 * terms of the request's ranges, or of parts of them.
 */
export interface Placement {
  /** Bus address of each mapped entry. */
  readonly dmaAddresses: Float64Array;
  /** Bytes of each mapped entry. */
  readonly dmaLengths: Float64Array;
  readonly nents: number;
  /** The parts that the device does not share with the CPU, since they are copies; null where there are none. */
  readonly bounced: Extents | null;
  /** Hands freshly mapped memory to the device: copies and maintenance. `event` is the one that asks for it. */
  map(event: number): void;
  /** Hands a part to the device again. */
  syncForDevice(part: Extents, direction: DmaDirection, event: number): void;
  /** Hands a part to the CPU. */
  syncForCpu(part: Extents, direction: DmaDirection, event: number): void;
  /** Hands everything to the CPU, unless the caller skips that, and gives the addresses back. */
  unmap(direction: DmaDirection, skipCpuSync: boolean, event: number): void;
  /**
   * The part of a sync that lies outside of the mapping which is handed over all the same, or null; left out where none is.
   * @param operation for what the kernel would complain of
   */
  within?(offset: number, size: number, operation: string): Extents | null;
  /** How the device's accesses to a part reach memory; `own` is the route that the device would take. */
  reached(part: Extents, own: Route, access: ReachingAccess): readonly Reached[];
}

/** An entry that would be bounced, and why (D21). */
export interface EntryBounce {
  /** Index of the range. */
  readonly entry: number;
  /** Why the device cannot use the memory itself: which limit, and from which page on. */
  readonly reason: BounceReason;
  /** Why it cannot be bounced either, so that mapping would fail; null where it can, as far as slots are free. */
  readonly refused: "no-pool" | "not-ram" | "too-large" | null;
}

/** Where the bus addresses of a device come from (D-1): memory itself, or an IOMMU. */
export interface DmaBackend {
  /**
   * Places a mapping: takes addresses for it, and touches no memory. Throws `KernelError` EIO, or as the backend answers,
   * for what the device cannot be given; nothing is taken then.
   */
  place(request: MapRequest): Placement;
  /** As `place`, for a window of another device: at its own address, or with a translation for registers (D-9). */
  placeResource(request: MapRequest): Placement;
  /** Which entries would be bounced; left out where none ever is. Nothing is taken or copied (D21). */
  testMap?(request: MapRequest): readonly EntryBounce[];
  /** Bytes that one mapping can have at most; infinite where nothing limits it (D-19). @see dma_max_mapping_size */
  maxMappingSize(device: DmaDevice): number;
  /** Bytes that one mapping should have at most, to be quick (D-19). @see dma_opt_mapping_size */
  optMappingSize(device: DmaDevice): number;
  /** Entries that meet at a multiple of this plus one become one for the device; 0 where none do (I-13). @see dma_get_merge_boundary */
  mergeBoundary(device: DmaDevice): number;
}
