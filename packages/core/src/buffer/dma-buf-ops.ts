// SPDX-License-Identifier: MIT

import type { Route } from "../coherency/topology.ts";
import type { DmaDirection } from "../dma/direction.ts";
import type { DmaConstraints } from "../dma/dma-constraints.ts";
import type { SgMapping } from "../dma/mapping.ts";
import type { MemoryType } from "../dma/memory-type.ts";
import type { Extents } from "../memory/extents.ts";
import type { Process } from "../sim/process.ts";
import type { DmaResv } from "../sync/dma-resv.ts";
import type { Attachment } from "./attachment.ts";
import type { BufferMemory } from "./constraint/memory-check.ts";
import type { DmaBuf } from "./dma-buf.ts";

/** A buffer's memory as the CPU sees it through one mapping. */
export interface CpuPages {
  readonly extents: Extents;
  readonly memoryType: MemoryType;
  /**
   * How accesses reach memory, where the memory type does not say it: a window of a device, whose accesses go the
   * device's way. Default: through the CPU's cache for `write-back`, past it for the others.
   */
  readonly route?: Route;
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
  /** Ways of mapping it into user space, the default first; left out where there is one. */
  readonly mmapTypes?: readonly string[];
  /**
   * The pages behind a user mapping; without it mmap answers EINVAL (B-59).
   * @param type one of `mmapTypes`; the default when it is left out
   */
  mmap?(buffer: DmaBuf, type?: string): CpuPages;
  /** The pages behind a mapping of the kernel's; without it vmap answers EINVAL (B-55). The reservation is held. */
  vmap?(buffer: DmaBuf): Process<CpuPages>;
  vunmap?(buffer: DmaBuf): void;
  /** Where the memory is now, for checks and for `getScatterlist`; null as long as there is none (D19). */
  memory?(buffer: DmaBuf): BufferMemory | null;
  /**
   * Allocates, before the first map, memory that suits all devices attached so far; the reservation is held. Called again
   * before a map when the memory does not suit who came since and the exporter `migrates`. Only by kernels with constraints at
   * attach (D13, PR-12): with others an exporter that has no memory yet takes some in `map`.
   */
  allocate?(buffer: DmaBuf, constraints: DmaConstraints): Process;
  /**
   * Whether each importer's list is cut as its own device needs it (D14), so that the limits of one are nothing to the others;
   * default no: one list for all, of which everybody's limits must hold (D12).
   */
  readonly listPerImporter?: boolean;
  /** Whether `allocate` can move a buffer that nobody has mapped (PR-12); default no. */
  readonly migrates?: boolean;
}

/** What an exporter hands to `export`. @see struct dma_buf_export_info */
export interface ExportInfo {
  /** Name of the exporter, as listings show it (B-9). */
  readonly exporterName: string;
  readonly ops: DmaBufOps;
  /** Bytes; fixed for good (B-5). Core does not validate it (B-8). */
  readonly size: number;
  /** The reservation that the exporter lends, which it keeps at least until the release (B-7); default one of its own. */
  readonly resv?: DmaResv;
}
