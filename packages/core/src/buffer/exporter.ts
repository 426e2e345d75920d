// SPDX-License-Identifier: MIT
import type { Process } from "../sim/process.ts";
import type { DmaBuf } from "./dma-buf.ts";

/** How a buffer is to be. */
export interface AllocateOptions {
  /** One of the exporter's `cacheLevels`; default the first. */
  readonly cache?: string;
}

/** Whatever makes buffers. */
export interface Exporter {
  /** How its device may cache a buffer, the default first; left out where nobody can choose. */
  readonly cacheLevels?: readonly string[];
  /** Ways of mapping its buffers into user space, the default first; left out where there is one. */
  readonly mmapTypes?: readonly string[];
  /** Allocates a buffer of `size` bytes. Throws `KernelError` as the exporter's allocation call answers. */
  allocate(size: number, options?: AllocateOptions): Process<DmaBuf>;
}
