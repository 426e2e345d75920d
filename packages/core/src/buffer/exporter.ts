// SPDX-License-Identifier: MIT
import type { Process } from "../sim/process.ts";
import type { DmaBuf } from "./dma-buf.ts";

/** Whatever makes buffers. */
export interface Exporter {
  /** Allocates a buffer of `size` bytes. Throws `KernelError` as the exporter's allocation call answers. */
  allocate(size: number): Process<DmaBuf>;
}
