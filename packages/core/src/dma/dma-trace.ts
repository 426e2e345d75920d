// SPDX-License-Identifier: MIT
import { tracepoint } from "../sim/tracepoint.ts";
import { dmaDirections } from "./direction.ts";

const directions = ["BIDIRECTIONAL", "TO_DEVICE", "FROM_DEVICE"] as const satisfies readonly string[];
if (directions.length !== dmaDirections.length)
  throw new TypeError("directions and their trace symbols differ");

/** A scatterlist was mapped. @see trace_dma_map_sg */
export const dmaMapSg = tracepoint(
  "dma",
  "dma_map_sg",
  ["device", "string"],
  ["full_nents", "number"],
  ["full_ents", "number"],
  ["phys_addrs", "address"],
  ["dma_addrs", "address"],
  ["lengths", "number"],
  ["dir", directions],
  ["attrs", "number"],
);

/** A mapping was given back. @see trace_dma_unmap_sg */
export const dmaUnmapSg = tracepoint(
  "dma",
  "dma_unmap_sg",
  ["device", "string"],
  ["addrs", "address"],
  ["dir", directions],
  ["attrs", "number"],
  ["full_nents", "number"],
);

/** Memory was handed to the CPU. @see trace_dma_sync_sg_for_cpu */
export const dmaSyncSgForCpu = tracepoint(
  "dma",
  "dma_sync_sg_for_cpu",
  ["device", "string"],
  ["dma_addrs", "address"],
  ["lengths", "number"],
  ["dir", directions],
  ["full_nents", "number"],
);

/** Memory was handed to the device. @see trace_dma_sync_sg_for_device */
export const dmaSyncSgForDevice = tracepoint(
  "dma",
  "dma_sync_sg_for_device",
  ["device", "string"],
  ["dma_addrs", "address"],
  ["lengths", "number"],
  ["dir", directions],
  ["full_nents", "number"],
);

const attrs = ["attrs", "number"] as const;

/** A contiguous range was mapped. @see trace_dma_map_page */
export const dmaMapPage = tracepoint(
  "dma",
  "dma_map_page",
  ["device", "string"],
  ["phys_addr", "address"],
  ["dma_addr", "address"],
  ["size", "number"],
  ["dir", directions],
  attrs,
);

/** Ours: memory is about to be mapped by its virtual address. @see debug_dma_map_single */
export const dmaMapSingle = tracepoint(
  "dma",
  "dma_map_single",
  ["device", "string"],
  ["virt_addr", "address"],
  ["size", "number"],
);

/** A contiguous range was given back. @see trace_dma_unmap_page */
export const dmaUnmapPage = tracepoint(
  "dma",
  "dma_unmap_page",
  ["device", "string"],
  ["addr", "address"],
  ["size", "number"],
  ["dir", directions],
  attrs,
);

/** A window of another device was mapped. @see trace_dma_map_resource */
export const dmaMapResource = tracepoint(
  "dma",
  "dma_map_resource",
  ["device", "string"],
  ["phys_addr", "address"],
  ["dma_addr", "address"],
  ["size", "number"],
  ["dir", directions],
  attrs,
);

/** A window of another device was given back. @see trace_dma_unmap_resource */
export const dmaUnmapResource = tracepoint(
  "dma",
  "dma_unmap_resource",
  ["device", "string"],
  ["addr", "address"],
  ["size", "number"],
  ["dir", directions],
  attrs,
);

/** Coherent memory was allocated. @see trace_dma_alloc */
export const dmaAlloc = tracepoint(
  "dma",
  "dma_alloc",
  ["device", "string"],
  ["virt_addr", "address"],
  ["dma_addr", "address"],
  ["size", "number"],
  ["dir", directions],
  attrs,
);

/** Coherent memory was freed. @see trace_dma_free */
export const dmaFree = tracepoint(
  "dma",
  "dma_free",
  ["device", "string"],
  ["virt_addr", "address"],
  ["dma_addr", "address"],
  ["size", "number"],
  ["dir", directions],
  attrs,
);

/** Cached pages were allocated and mapped. @see trace_dma_alloc_pages */
export const dmaAllocPages = tracepoint(
  "dma",
  "dma_alloc_pages",
  ["device", "string"],
  ["virt_addr", "address"],
  ["dma_addr", "address"],
  ["size", "number"],
  ["dir", directions],
);

/** Cached pages were freed. @see trace_dma_free_pages */
export const dmaFreePages = tracepoint(
  "dma",
  "dma_free_pages",
  ["device", "string"],
  ["virt_addr", "address"],
  ["dma_addr", "address"],
  ["size", "number"],
  ["dir", directions],
);

/** Pages that need not lie together were allocated and mapped. @see trace_dma_alloc_sgt */
export const dmaAllocSgt = tracepoint(
  "dma",
  "dma_alloc_sgt",
  ["device", "string"],
  ["phys_addrs", "address"],
  ["dma_addr", "address"],
  ["size", "number"],
  ["dir", directions],
  attrs,
);

/** Such pages were freed. @see trace_dma_free_sgt */
export const dmaFreeSgt = tracepoint(
  "dma",
  "dma_free_sgt",
  ["device", "string"],
  ["phys_addrs", "address"],
  ["dma_addr", "address"],
  ["size", "number"],
  ["dir", directions],
);

/** A part of a contiguous range was handed to the CPU. @see trace_dma_sync_single_for_cpu */
export const dmaSyncSingleForCpu = tracepoint(
  "dma",
  "dma_sync_single_for_cpu",
  ["device", "string"],
  ["dma_addr", "address"],
  ["size", "number"],
  ["dir", directions],
);

/** A part of a contiguous range was handed to the device. @see trace_dma_sync_single_for_device */
export const dmaSyncSingleForDevice = tracepoint(
  "dma",
  "dma_sync_single_for_device",
  ["device", "string"],
  ["dma_addr", "address"],
  ["size", "number"],
  ["dir", directions],
);

/** Ours: a driver asked whether a mapping failed. @see dma_mapping_error */
export const dmaMappingError = tracepoint(
  "dma",
  "dma_mapping_error",
  ["device", "string"],
  ["dma_addr", "address"],
);

/** Ours, of the proposal of 2024: memory was handed from one device to the next. */
export const dmaSyncDeviceToDevice = tracepoint(
  "dma",
  "dma_sync_sg_device_to_device",
  ["device", "string"],
  ["dma_addrs", "address"],
  ["lengths", "number"],
  ["dir", directions],
);

/**
 * Ours, of the proposal of 2024: the DMA layer looks up what a buffer needs. It keeps account of all maintenance under a
 * lock of its own, so what it has looked up comes after the maintenance that it goes by.
 */
export const dmaTrack = tracepoint("dma", "dma_track", ["ino", "number"]);

/** Ours: the CPU worked through lines of a cache. */
export const cacheMaintenance = tracepoint(
  "cache",
  "cache_maintenance",
  ["kind", ["clean", "invalidate", "flush"]],
  ["domain", "string"],
  ["address", "address"],
  ["bytes", "number"],
);

/** Ours: a device read or wrote memory. */
export const deviceAccess = tracepoint(
  "dma",
  "dma_access",
  ["device", "string"],
  ["kind", ["read", "write"]],
  ["address", "address"],
  ["bytes", "number"],
);

/** Ours: the CPU read or wrote memory, or cleared it. */
export const cpuAccess = tracepoint(
  "cpu",
  "cpu_access",
  ["kind", ["read", "write", "clear"]],
  ["address", "address"],
  ["bytes", "number"],
  ["type", ["WB", "WC", "UC"]],
);

/** Ours: the CPU waited until its write-combining buffers had drained. @see wmb */
export const cpuDrain = tracepoint("cpu", "wmb");

/** Ours: a driver let go of its device. @see BUS_NOTIFY_UNBOUND_DRIVER */
export const dmaDriverUnbound = tracepoint("dma", "driver_unbound", ["device", "string"]);

/** Ours: an entry of a mapped scatterlist that the device does not take. @see check_sg_segment */
export const dmaSgOutsize = tracepoint(
  "dma",
  "dma_sg_outsize",
  ["device", "string"],
  ["entry", "number"],
  ["dma_addr", "address"],
  ["length", "number"],
  ["bound", "number"],
  ["why", ["longer", "crosses"]],
);

/**
 * A range was given a bounce buffer; behind `force` is ours: why, the highest bus address that can be used, and the
 * range's physical address. Comes with the map, which is its cause; the kernel's comes before the search for slots.
 * @see trace_swiotlb_bounced
 */
export const swiotlbBounced = tracepoint(
  "swiotlb",
  "swiotlb_bounced",
  ["dev_name", "string"],
  ["dma_mask", "address"],
  ["dev_addr", "address"],
  ["size", "number"],
  ["force", "number"],
  ["limit", ["forced", "dma-mask", "bus-dma-limit", "dma-ranges", "unaligned-kmalloc", "untrusted"]],
  ["bound", "address"],
  ["phys_addr", "address"],
);

/** Ours: the CPU copied into bounce buffers, back from them, or gave them back. @see swiotlb_bounce */
export const swiotlbCopy = tracepoint(
  "swiotlb",
  "swiotlb_copy",
  ["device", "string"],
  ["kind", ["in", "out", "release"]],
  ["address", "address"],
  ["bytes", "number"],
);
