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
);

/** Memory was handed to the CPU. @see trace_dma_sync_sg_for_cpu */
export const dmaSyncSgForCpu = tracepoint(
  "dma",
  "dma_sync_sg_for_cpu",
  ["device", "string"],
  ["dma_addrs", "address"],
  ["lengths", "number"],
  ["dir", directions],
);

/** Memory was handed to the device. @see trace_dma_sync_sg_for_device */
export const dmaSyncSgForDevice = tracepoint(
  "dma",
  "dma_sync_sg_for_device",
  ["device", "string"],
  ["dma_addrs", "address"],
  ["lengths", "number"],
  ["dir", directions],
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
