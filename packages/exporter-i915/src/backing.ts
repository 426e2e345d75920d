// SPDX-License-Identifier: MIT
import type { Extents } from "@dmabuf/core";

/** Where an object's memory is: `system` pages, `stolen` or `local` memory, or a buffer of somebody else's. */
export type Region = "system" | "stolen" | "local" | "imported";

/** The memory behind an object, whether the driver holds its pages or not. */
export interface Backing {
  readonly region: Region;
  /** Whether its pages have struct pages, so that they can be flushed, listed and mapped by the CPU (N-14). */
  readonly structPages: boolean;
  /** The memory in the object's order; what is missing or swapped out comes back. Throws `KernelError` ENOMEM. */
  readonly extents: Extents;
  /** Gives the memory back for good. */
  free(): void;
}
