// SPDX-License-Identifier: MIT
import { highWord, lowWord } from "./entry-words.ts";
import type { Descriptor, Granularity, PageBlock } from "./invalidation-descriptor.ts";

/** Type fields (bits 3:0). @see QI_CC_TYPE */
const TYPE = {
  cc_inv_dsc: 1,
  iotlb_inv_dsc: 2,
  dev_tlb_inv_dsc: 3,
  inv_wait_dsc: 5,
  p_iotlb_inv_dsc: 6,
  pc_inv_dsc: 7,
  p_dev_tlb_inv_dsc: 8,
} as const satisfies Record<Descriptor["kind"], number>;

/** G of cc_inv_dsc and iotlb_inv_dsc: bits 5:4. */
const GRANULARITY = { global: 1, domain: 2, selective: 3 } as const satisfies Record<Granularity, number>;
/** G of pc_inv_dsc. @see QI_PC_PASID_SEL */
const PASID_GRANULARITY = { domain: 0, selective: 1, global: 3 } as const satisfies Record<
  Granularity,
  number
>;
/** G of p_iotlb_inv_dsc. @see QI_GRAN_NONG_PASID */
const [PASID_SELECTIVE, PAGE_IN_PASID] = [2, 3];
/** IH in the third word; S of device-TLB descriptors, which differs; SW of a wait. */
const IH = 1 << 6;
const S = 1 << 0;
const S_PASID = 1 << 11;
const SW = 1 << 5;
/** S with all of the address set stands for everything. */
const EVERYTHING: PageBlock = { address: 0, mask: 52 };

/** The four words of a descriptor, low word first. */
export function encode(descriptor: Descriptor): readonly [number, number, number, number] {
  const type = TYPE[descriptor.kind];
  switch (descriptor.kind) {
    case "cc_inv_dsc": {
      const { granularity, domain, source } = descriptor;
      return [type + (GRANULARITY[granularity] << 4) + domain * 2 ** 16, source, 0, 0];
    }
    case "pc_inv_dsc": {
      const { granularity, domain, pasid } = descriptor;
      return [type + (PASID_GRANULARITY[granularity] << 4) + domain * 2 ** 16, pasid, 0, 0];
    }
    case "iotlb_inv_dsc": {
      const { granularity, domain, block, leafOnly } = descriptor;
      const page =
        granularity === "selective" ? lowWord(block.address) + block.mask + (leafOnly ? IH : 0) : 0;
      const high = granularity === "selective" ? highWord(block.address) : 0;
      return [type + (GRANULARITY[granularity] << 4) + domain * 2 ** 16, 0, page, high];
    }
    case "p_iotlb_inv_dsc": {
      const { domain, pasid, block, leafOnly } = descriptor;
      const first = (g: number): number => type + (g << 4) + domain * 2 ** 16;
      if (block === null) return [first(PASID_SELECTIVE as number), pasid, 0, 0];
      const low = lowWord(block.address) + block.mask + (leafOnly ? IH : 0);
      return [first(PAGE_IN_PASID as number), pasid, low, highWord(block.address)];
    }
    case "dev_tlb_inv_dsc":
      return [type, descriptor.source, ...sized(descriptor.block ?? EVERYTHING, S)];
    case "p_dev_tlb_inv_dsc":
      return [
        type + descriptor.source * 2 ** 16,
        descriptor.pasid,
        ...sized(descriptor.block ?? EVERYTHING, S_PASID),
      ];
    case "inv_wait_dsc":
      return [
        type + SW,
        descriptor.status,
        lowWord(descriptor.statusAddress),
        highWord(descriptor.statusAddress),
      ];
  }
}

/**
 * The address of a device-TLB descriptor: with S set, the lowest bit of it from bit 12 on that is clear says how large the block
 * is (VT-d 6.5.2.5), as in the invalidation message of ATS.
 */
function sized({ address, mask }: PageBlock, s: number): [low: number, high: number] {
  if (mask === 0) return [lowWord(address), highWord(address)];
  if (mask >= 52) return [0xffff_f000 + s, 0x7fff_ffff];
  const marked = address + 2 ** (12 + mask - 1) - 2 ** 12;
  return [lowWord(marked) + s, highWord(marked)];
}

/** The block that `sized` wrote; null for everything. */
function blockOf(low: number, high: number, s: number): PageBlock | null {
  if ((low & s) === 0) return { address: at(low, high), mask: 0 };
  if (high === 0x7fff_ffff) return null;
  const pages = at(low, high) / 2 ** 12;
  let mask = 1;
  while (Math.floor(pages / 2 ** (mask - 1)) % 2 === 1) mask++;
  return { address: Math.floor(pages / 2 ** mask) * 2 ** (12 + mask), mask };
}

const at = (low: number, high: number): number => high * 2 ** 32 + ((low & 0xffff_f000) >>> 0);

/** What the words of a descriptor say; null for a type that the hardware does not know, an invalidation queue error (IQE). */
export function decode(words: ArrayLike<number>): Descriptor | null {
  const [w0, w1, w2, w3] = [words[0], words[1], words[2], words[3]] as [number, number, number, number];
  const domain = w0 >>> 16;
  const granule = (w0 >> 4) & 3;
  const block = { address: at(w2, w3), mask: w2 & 63 };
  const leafOnly = (w2 & IH) !== 0;
  const granularity = granule === 1 ? "global" : granule === 2 ? "domain" : "selective";
  switch (w0 & 15) {
    case TYPE.cc_inv_dsc:
      return { kind: "cc_inv_dsc", granularity, domain, source: w1 & 0xffff };
    case TYPE.iotlb_inv_dsc:
      return { kind: "iotlb_inv_dsc", granularity, domain, block, leafOnly };
    case TYPE.dev_tlb_inv_dsc:
      return { kind: "dev_tlb_inv_dsc", source: w1 & 0xffff, block: blockOf(w2, w3, S) };
    case TYPE.inv_wait_dsc:
      return { kind: "inv_wait_dsc", status: w1, statusAddress: w3 * 2 ** 32 + w2 };
    case TYPE.p_iotlb_inv_dsc: {
      const pages = granule === PAGE_IN_PASID ? block : null;
      return { kind: "p_iotlb_inv_dsc", domain, pasid: w1 & 0xf_ffff, block: pages, leafOnly };
    }
    case TYPE.pc_inv_dsc: {
      const scope = granule === 0 ? "domain" : granule === 1 ? "selective" : "global";
      return { kind: "pc_inv_dsc", granularity: scope, domain, pasid: w1 & 0xf_ffff };
    }
    case TYPE.p_dev_tlb_inv_dsc:
      return {
        kind: "p_dev_tlb_inv_dsc",
        source: w0 >>> 16,
        pasid: w1 & 0xf_ffff,
        block: blockOf(w2, w3, S_PASID),
      };
    default:
      return null;
  }
}
