// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decode, encode } from "../src/descriptor-words.ts";
import type { Descriptor, PageBlock } from "../src/invalidation-descriptor.ts";
import { blockAround, blockSize } from "../src/page-block.ts";

const block = (address: number, mask: number): PageBlock => ({ address, mask });
const none = block(0, 0);

// Words by hand from the figures of VT-d 6.5.2; two quad words, each low word first.
describe("a descriptor of the invalidation queue", () => {
  const rows: readonly (readonly [what: string, descriptor: Descriptor, words: readonly number[]])[] = [
    [
      "cc_inv_dsc of a device: G 11b, DID 31:16, SID 47:32",
      { kind: "cc_inv_dsc", granularity: "selective", domain: 5, source: 0x10 },
      [0x0005_0031, 0x10, 0, 0],
    ],
    [
      "cc_inv_dsc global: G 01b",
      { kind: "cc_inv_dsc", granularity: "global", domain: 0, source: 0 },
      [0x11, 0, 0, 0],
    ],
    [
      "iotlb_inv_dsc of pages: G 11b, ADDR 127:76, IH 70, AM 69:64",
      {
        ...{ kind: "iotlb_inv_dsc", granularity: "selective", domain: 2 },
        ...{ block: block(0x12_3450_0000, 8), leafOnly: true },
      },
      [0x0002_0032, 0, 0x3450_0048, 0x12],
    ],
    [
      "iotlb_inv_dsc of a domain: G 10b",
      { kind: "iotlb_inv_dsc", granularity: "domain", domain: 0xffff, block: none, leafOnly: false },
      [0xffff_0022, 0, 0, 0],
    ],
    [
      "dev_tlb_inv_dsc of one page: SID 47:32, S 0",
      { kind: "dev_tlb_inv_dsc", source: 0xfa, block: block(0x5000, 0) },
      [0x3, 0xfa, 0x5000, 0],
    ],
    [
      "dev_tlb_inv_dsc of two pages: S, and bit 12 clear",
      { kind: "dev_tlb_inv_dsc", source: 0xfa, block: block(0x6000, 1) },
      [0x3, 0xfa, 0x6001, 0],
    ],
    [
      "dev_tlb_inv_dsc of sixteen pages: bits 14:12 set, 15 clear",
      { kind: "dev_tlb_inv_dsc", source: 0xfa, block: block(0x3_0000, 4) },
      [0x3, 0xfa, 0x3_7001, 0],
    ],
    [
      "dev_tlb_inv_dsc of everything",
      { kind: "dev_tlb_inv_dsc", source: 0xfa, block: null },
      [0x3, 0xfa, 0xffff_f001, 0x7fff_ffff],
    ],
    [
      "p_iotlb_inv_dsc of a PASID: G 10b, DID 31:16, PASID 51:32",
      { kind: "p_iotlb_inv_dsc", domain: 3, pasid: 9, block: null, leafOnly: false },
      [0x0003_0026, 9, 0, 0],
    ],
    [
      "p_iotlb_inv_dsc of pages: G 11b",
      { kind: "p_iotlb_inv_dsc", domain: 3, pasid: 9, block: block(0x4000, 2), leafOnly: true },
      [0x0003_0036, 9, 0x4042, 0],
    ],
    [
      "pc_inv_dsc of a PASID: G 01b, DID 31:16, PASID 51:32",
      { kind: "pc_inv_dsc", granularity: "selective", domain: 3, pasid: 0xf_ffff },
      [0x0003_0017, 0xf_ffff, 0, 0],
    ],
    [
      "pc_inv_dsc of a domain: G 00b",
      { kind: "pc_inv_dsc", granularity: "domain", domain: 3, pasid: 0 },
      [0x0003_0007, 0, 0, 0],
    ],
    [
      "p_dev_tlb_inv_dsc of pages: SID 31:16, PASID 51:32, S in bit 75",
      { kind: "p_dev_tlb_inv_dsc", source: 0xfa, pasid: 9, block: block(0x2000, 1) },
      [0x00fa_0008, 9, 0x2800, 0],
    ],
    [
      "inv_wait_dsc that writes a status: SW 5, data 63:32, address 127:66",
      { kind: "inv_wait_dsc", status: 2, statusAddress: 0x1_0000_0040 },
      [0x25, 2, 0x40, 1],
    ],
  ];

  test.each(rows)("%s", (_what, descriptor, words) => {
    expect(encode(descriptor)).toEqual(words);
    expect(decode(words)).toEqual(descriptor);
  });

  test("of a type that there is not is none", () => {
    expect(decode([0, 0, 0, 0])).toBeNull();
    expect(decode([0xf, 0, 0, 0])).toBeNull();
  });
});

test("the block around a range is the smallest aligned power of two of pages that has it", () => {
  fc.assert(
    fc.property(fc.nat(5000), fc.integer({ min: 1, max: 3000 }), (page, pages) => {
      const found = blockAround(page * 4096, pages * 4096);
      let best: PageBlock | null = null;
      for (let mask = 0; best === null; mask++) {
        const start = page - (page % 2 ** mask);
        if (page + pages <= start + 2 ** mask) best = { address: start * 4096, mask };
      }
      expect(found).toEqual(best);
      expect(blockSize(found) / 4096).toBe(2 ** found.mask);
    }),
    { seed: 20261120, numRuns: 300 },
  );
});

test("a block of device translations is read as it was written, whatever its size", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 30 }), fc.nat(255), (mask, index) => {
      const of = block(index * 2 ** (12 + mask), mask);
      const descriptor: Descriptor = { kind: "dev_tlb_inv_dsc", source: 1, block: of };
      expect(decode(encode(descriptor))).toEqual(descriptor);
    }),
    { seed: 20261120, numRuns: 300 },
  );
});
