// SPDX-License-Identifier: MIT
import type { DmaDirection } from "../dma/direction.ts";
import type { SgMapping } from "../dma/sg-mapping.ts";
import type { Extents } from "../memory/extents.ts";
import type { Process } from "../sim/process.ts";
import type { Attachment } from "./attachment.ts";
import type { DmaBuf } from "./dma-buf.ts";

/** How user space sees a buffer's pages. Cached is the only kind so far. */
export interface CpuPages {
  readonly extents: Extents;
  readonly caching: "cached";
}

/**
 * What an exporter does for its buffers. `map`, `unmap` and `release` are mandatory (B-1). Map and unmap are called with
 * the reservation held, everything else without it (1.15). @see struct dma_buf_ops
 */
export interface DmaBufOps {
  /** Asks core to keep the first mapping of an attachment until detach; honoured by profiles that cache (B-38). */
  readonly cacheSgtMapping?: boolean;
  /** May refuse a device with a `KernelError` (B-23). */
  attach?(buffer: DmaBuf, attachment: Attachment): Process;
  detach?(buffer: DmaBuf, attachment: Attachment): void;
  /** Maps the buffer for the attachment's device (B-37). */
  map(attachment: Attachment, direction: DmaDirection): Process<SgMapping>;
  unmap(attachment: Attachment, mapping: SgMapping): Process;
  /** The last reference is gone (B-16). */
  release(buffer: DmaBuf): void;
  /** The exporter's part of a CPU bracket (B-50, B-52). */
  beginCpuAccess?(buffer: DmaBuf, direction: DmaDirection): Process;
  endCpuAccess?(buffer: DmaBuf, direction: DmaDirection): Process;
  /** The pages behind a user mapping; without it mmap answers EINVAL (B-59). */
  mmap?(buffer: DmaBuf): CpuPages;
}

/** What an exporter hands to `export`. @see struct dma_buf_export_info */
export interface ExportInfo {
  /** Name of the exporter, as listings show it (B-9). */
  readonly exporterName: string;
  readonly ops: DmaBufOps;
  /** Bytes; fixed for good (B-5). Core does not validate it (B-8). */
  readonly size: number;
}
