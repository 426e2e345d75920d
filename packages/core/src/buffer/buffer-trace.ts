// SPDX-License-Identifier: MIT
import { memoryTypes } from "../dma/memory-type.ts";
import { tracepoint } from "../sim/tracepoint.ts";
import type { CpuPages } from "./dma-buf-ops.ts";

/** A buffer came to be. @see trace_dma_buf_export */
export const dmaBufExport = tracepoint(
  "dma_buf",
  "dma_buf_export",
  ["exp_name", "string"],
  ["size", "number"],
  ["ino", "number"],
);

/** A device joined a buffer. @see trace_dma_buf_dynamic_attach */
export const dmaBufDynamicAttach = tracepoint(
  "dma_buf",
  "dma_buf_dynamic_attach",
  ["dev_name", "string"],
  ["exp_name", "string"],
  ["size", "number"],
  ["ino", "number"],
  ["attach", "number"],
  ["is_dynamic", "boolean"],
);

/** A device left a buffer. @see trace_dma_buf_detach */
export const dmaBufDetach = tracepoint(
  "dma_buf",
  "dma_buf_detach",
  ["dev_name", "string"],
  ["exp_name", "string"],
  ["size", "number"],
  ["ino", "number"],
  ["attach", "number"],
  ["is_dynamic", "boolean"],
);

/** A descriptor was made for a buffer. @see trace_dma_buf_fd */
export const dmaBufFd = tracepoint(
  "dma_buf",
  "dma_buf_fd",
  ["exp_name", "string"],
  ["size", "number"],
  ["ino", "number"],
  ["fd", "number"],
);

/** A reference was given back. @see trace_dma_buf_put */
export const dmaBufPut = tracepoint(
  "dma_buf",
  "dma_buf_put",
  ["exp_name", "string"],
  ["size", "number"],
  ["ino", "number"],
);

const directions = ["BIDIRECTIONAL", "TO_DEVICE", "FROM_DEVICE"] as const;

/** Ours: CPU access begins; the kernel has no event here. */
export const dmaBufBeginCpuAccess = tracepoint(
  "dma_buf",
  "dma_buf_begin_cpu_access",
  ["ino", "number"],
  ["dir", directions],
);

/** Ours: CPU access ends. */
export const dmaBufEndCpuAccess = tracepoint(
  "dma_buf",
  "dma_buf_end_cpu_access",
  ["ino", "number"],
  ["dir", directions],
);

/** Ours: the exporter has done its part of a bracket, at its beginning or at its end. */
export const dmaBufCpuAccessSynced = tracepoint("dma_buf", "dma_buf_cpu_access_synced", ["ino", "number"]);

/** Ours: the CPU touches a buffer through a mapping of it. */
export const dmaBufCpuAccess = tracepoint(
  "dma_buf",
  "dma_buf_cpu_access",
  ["ino", "number"],
  ["kind", ["read", "write"]],
  ["offset", "number"],
  ["bytes", "number"],
);

const types = ["WB", "WC", "UC"] as const;

/** The memory type of a mapping, and whether it goes through a window of a device, as fields of the events below. */
export const memoryTypeFields = ({ memoryType, route }: CpuPages): [type: number, window: number] => [
  memoryTypes.indexOf(memoryType),
  route === undefined ? 0 : 1,
];

/**
 * A buffer was mapped into user space. Ours are the last three fields: where, with which memory type, and whether through a
 * window of a device, which has pages of its own. @see trace_dma_buf_mmap
 */
export const dmaBufMmap = tracepoint(
  "dma_buf",
  "dma_buf_mmap",
  ["exp_name", "string"],
  ["size", "number"],
  ["ino", "number"],
  ["address", "address"],
  ["type", types],
  ["window", "boolean"],
);

/** Ours: a mapping in user space is gone. */
export const dmaBufMunmap = tracepoint(
  "dma_buf",
  "dma_buf_munmap",
  ["ino", "number"],
  ["address", "address"],
);

/** Ours: a buffer was mapped into the kernel's vmap area. */
export const dmaBufVmap = tracepoint(
  "dma_buf",
  "dma_buf_vmap",
  ["ino", "number"],
  ["address", "address"],
  ["type", types],
  ["window", "boolean"],
);

/** Ours: a mapping in the kernel's vmap area is gone. */
export const dmaBufVunmap = tracepoint(
  "dma_buf",
  "dma_buf_vunmap",
  ["ino", "number"],
  ["address", "address"],
);

/** Ours: an attachment was mapped. */
export const dmaBufMapAttachment = tracepoint(
  "dma_buf",
  "dma_buf_map_attachment",
  ["dev_name", "string"],
  ["ino", "number"],
  ["attach", "number"],
  ["dir", directions],
);

/** Ours: an exporter handed out a segment that is not made of whole pages (B-40). */
export const dmaBufUnalignedSegment = tracepoint(
  "dma_buf",
  "dma_buf_unaligned_segment",
  ["device", "string"],
  ["entry", "number"],
  ["dma_addr", "address"],
  ["length", "number"],
);

/** Ours: an attachment was unmapped. */
export const dmaBufUnmapAttachment = tracepoint(
  "dma_buf",
  "dma_buf_unmap_attachment",
  ["dev_name", "string"],
  ["ino", "number"],
  ["attach", "number"],
  ["dir", directions],
);
