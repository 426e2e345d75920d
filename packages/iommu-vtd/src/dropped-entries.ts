// SPDX-License-Identifier: MIT
import type { DeviceTlb } from "./device-tlb.ts";
import { type EntryCache, pasidOf } from "./entry-cache.ts";
import type { Descriptor } from "./invalidation-descriptor.ts";
import { domainTag, type Iotlb, pasidTag } from "./iotlb.ts";

/** What hardware and devices keep of the tables. */
interface Caches {
  readonly contexts: EntryCache;
  readonly pasids: EntryCache;
  readonly iotlb: Iotlb;
  /** By source id. */
  readonly deviceTlbs: ReadonlyMap<number, DeviceTlb>;
}

/** Drops what a descriptor names (VT-d 6.5.2). */
export function drop(descriptor: Descriptor, { contexts, pasids, iotlb, deviceTlbs }: Caches): void {
  switch (descriptor.kind) {
    case "cc_inv_dsc": {
      const { granularity, domain, source } = descriptor;
      contexts.invalidate((key, entry) => {
        if (granularity === "global") return true;
        return granularity === "domain" ? entry.domain === domain : key === source;
      });
      return;
    }
    case "pc_inv_dsc": {
      const { granularity, domain, pasid } = descriptor;
      pasids.invalidate((key, entry) => {
        if (granularity === "global") return true;
        return entry.domain === domain && (granularity === "domain" || pasidOf(key) === pasid);
      });
      return;
    }
    case "iotlb_inv_dsc": {
      const { granularity, domain, block, leafOnly } = descriptor;
      if (granularity === "global") iotlb.invalidateAll();
      else if (granularity === "domain") iotlb.invalidateDomain(domain);
      else iotlb.invalidateBlock(domainTag(domain), block, leafOnly);
      return;
    }
    case "p_iotlb_inv_dsc": {
      const { domain, pasid, block, leafOnly } = descriptor;
      const tag = pasidTag(domain, pasid);
      if (block === null) iotlb.invalidateTag(tag);
      else iotlb.invalidateBlock(tag, block, leafOnly);
      return;
    }
    case "dev_tlb_inv_dsc":
      deviceTlbs.get(descriptor.source)?.invalidate(undefined, descriptor.block);
      return;
    case "p_dev_tlb_inv_dsc":
      deviceTlbs.get(descriptor.source)?.invalidate(descriptor.pasid, descriptor.block);
      return;
    case "inv_wait_dsc":
      return;
  }
}
