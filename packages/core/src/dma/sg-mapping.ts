// SPDX-License-Identifier: MIT
import type { Extents } from "../memory/extents.ts";
import type { DmaDirection } from "./direction.ts";
import type { DmaDevice } from "./dma-device.ts";

/**
 * A scatterlist as it is mapped for one device: the CPU's view (`extents`, one range an entry) and the device's
 * (`dmaAddresses`, `dmaLengths`, `nents` entries). Flat arrays, not an object an entry. @see sg_table
 */
export interface SgMapping {
  readonly device: DmaDevice;
  readonly direction: DmaDirection;
  /** Physical ranges, in buffer order; as many as `orig_nents`. */
  readonly extents: Extents;
  /** Bus address of each mapped entry. */
  readonly dmaAddresses: Float64Array;
  /** Bytes of each mapped entry (`sg_dma_len`). */
  readonly dmaLengths: Float64Array;
  /** Number of mapped entries; direct mapping never coalesces (D-23), so it equals the number of ranges. */
  readonly nents: number;
  /** Whether the mapping was made with `DMA_ATTR_SKIP_CPU_SYNC`. */
  readonly skipCpuSync: boolean;
}
