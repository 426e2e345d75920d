// SPDX-License-Identifier: MIT
import { IommuProt } from "../../iommu/iommu-prot.ts";
import { type DmaDirection, deviceWrites } from "../direction.ts";

/** What a mapping is made for, besides its direction. */
export interface ProtOptions {
  /** The device is coherent (I-2). */
  readonly coherent?: boolean;
  /** `DMA_ATTR_PRIVILEGED`. */
  readonly privileged?: boolean;
  /** Registers of another device, as `dma_map_resource` maps them: never snooped. */
  readonly mmio?: boolean;
}

/** The flags of a streaming mapping (I-2). @see dma_info_to_prot */
export function iommuProt(
  direction: DmaDirection,
  { coherent = false, privileged = false, mmio = false }: ProtOptions = {},
): number {
  let prot = direction === "from-device" ? 0 : IommuProt.READ;
  if (deviceWrites(direction)) prot |= IommuProt.WRITE;
  if (coherent && !mmio) prot |= IommuProt.CACHE;
  if (privileged) prot |= IommuProt.PRIV;
  if (mmio) prot |= IommuProt.MMIO;
  return prot;
}
