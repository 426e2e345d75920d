// SPDX-License-Identifier: MIT
import type { DmaDomain } from "./iova/dma-domain.ts";
import type { IovaLimit } from "./iova/iova-domain.ts";

/** The IOMMU between a device and memory, as the DMA API uses it (D-1). */
export interface DmaTranslation {
  /** What it translates for this device, made when somebody first asks. @see iommu_get_dma_domain */
  readonly domain: DmaDomain;
  /** Whether an address was unmapped and waits for a flush (I-5). Asks for no domain: there may be none yet. */
  waitsForFlush(address: number): boolean;
  /** How far the addresses of the device go, with this mask (I-3). */
  limit(mask: number): IovaLimit;
}
