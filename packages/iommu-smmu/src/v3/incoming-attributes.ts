// SPDX-License-Identifier: MIT
import type { Snooping } from "@dmabuf/core/iommu";
import { SH, STE } from "./ste.ts";

/**
 * Attributes of a transaction that stage 1 does not translate: the device's, where MTCFG does not put MemAttr in their place and
 * SHCFG no other shareability (M-41). @see Arm IHI 0070, 5.2 and 13
 */
export function bypassSnooping(ste: Uint32Array): Snooping {
  const shareability = STE.get(ste, "SHCFG");
  if (shareability === SH.NSH) return "never";
  if (STE.get(ste, "MTCFG") === 0) return "device";
  const memAttr = STE.get(ste, "MemAttr");
  const isCacheable = memAttr >> 2 !== 0 && (memAttr & 3) >= 2;
  if (!isCacheable) return "never";
  return shareability === SH.INCOMING ? "device" : "always";
}
