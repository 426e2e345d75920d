// SPDX-License-Identifier: MIT

/** What an invalidation is for: all, a domain, or what the descriptor says besides. */
export type Granularity = "global" | "domain" | "selective";

/** Addresses that are aligned as a block of 2^mask pages (ADDR and AM). */
export interface PageBlock {
  readonly address: number;
  /** AM: log2 of the number of pages of 4 KiB. */
  readonly mask: number;
}

/** An entry of the invalidation queue, by the specification's names (VT-d 6.5.2). */
export type Descriptor =
  /** Context-cache: of a device in the end. @see qi_flush_context */
  | {
      readonly kind: "cc_inv_dsc";
      readonly granularity: Granularity;
      readonly domain: number;
      readonly source: number;
    }
  /** PASID-cache: of a PASID in the end. @see pasid_cache_invalidation_with_pasid */
  | {
      readonly kind: "pc_inv_dsc";
      readonly granularity: Granularity;
      readonly domain: number;
      readonly pasid: number;
    }
  /** IOTLB of second-level translations. `leafOnly` is IH. @see qi_flush_iotlb */
  | {
      readonly kind: "iotlb_inv_dsc";
      readonly granularity: Granularity;
      readonly domain: number;
      readonly block: PageBlock;
      readonly leafOnly: boolean;
    }
  /** IOTLB of first-level translations: all of a PASID, or of it the pages. @see qi_flush_piotlb */
  | {
      readonly kind: "p_iotlb_inv_dsc";
      readonly domain: number;
      readonly pasid: number;
      readonly block: PageBlock | null;
      readonly leafOnly: boolean;
    }
  /** What the device keeps; all of it for null. @see qi_flush_dev_iotlb */
  | { readonly kind: "dev_tlb_inv_dsc"; readonly source: number; readonly block: PageBlock | null }
  /** What the device keeps of a PASID. @see qi_flush_dev_iotlb_pasid */
  | {
      readonly kind: "p_dev_tlb_inv_dsc";
      readonly source: number;
      readonly pasid: number;
      readonly block: PageBlock | null;
    }
  /** What was queued before is done when its status is written. @see qi_submit_sync */
  | { readonly kind: "inv_wait_dsc"; readonly status: number; readonly statusAddress: number };
