// SPDX-License-Identifier: MIT
import { hex } from "./entry-words.ts";
import type { Descriptor, PageBlock } from "./invalidation-descriptor.ts";
import { sourceName } from "./source-id.ts";

/** A descriptor in words, as messages name what software has left out. */
export function descriptorText(descriptor: Descriptor): string {
  const { kind } = descriptor;
  switch (kind) {
    case "cc_inv_dsc": {
      const { granularity, domain, source } = descriptor;
      return granularity === "selective"
        ? `${kind} device-selective of ${sourceName(source)} for domain ${domain}`
        : `${kind} ${scope(granularity, domain)}`;
    }
    case "pc_inv_dsc": {
      const { granularity, domain, pasid } = descriptor;
      return granularity === "selective"
        ? `${kind} of PASID ${pasid} for domain ${domain}`
        : `${kind} ${scope(granularity, domain)}`;
    }
    case "iotlb_inv_dsc": {
      const { granularity, domain, block, leafOnly } = descriptor;
      return granularity === "selective"
        ? `${kind} page-selective of ${blockText(block)} for domain ${domain}${hint(leafOnly)}`
        : `${kind} ${scope(granularity, domain)}`;
    }
    case "p_iotlb_inv_dsc": {
      const { domain, pasid, block, leafOnly } = descriptor;
      const what = block === null ? "" : ` page-selective of ${blockText(block)}`;
      return `${kind}${what} for PASID ${pasid} of domain ${domain}${hint(leafOnly)}`;
    }
    case "dev_tlb_inv_dsc":
    case "p_dev_tlb_inv_dsc": {
      const { source, block } = descriptor;
      return `${kind} of ${block === null ? "everything" : blockText(block)} for ${sourceName(source)}`;
    }
    case "inv_wait_dsc":
      return kind;
  }
}

const scope = (granularity: "global" | "domain", domain: number): string =>
  granularity === "global" ? "global" : `domain-selective for domain ${domain}`;

const blockText = ({ address, mask }: PageBlock): string =>
  mask === 0 ? hex(address) : `${hex(address)} and ${2 ** mask - 1} pages behind`;

/** IH, where it must not be set: tables have changed as well. */
const hint = (leafOnly: boolean): string => (leafOnly ? "" : " with IH=0");
