// SPDX-License-Identifier: MIT
// A table walk as the Arm ARM describes it (D8.2), in 64-bit arithmetic of its own: it follows the addresses in the descriptors.
import { IommuProt, LooseTableMemory, PageTable } from "@dmabuf/core/iommu";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lpaeFormat } from "../../src/lpae/lpae-format.ts";
import { config } from "./config.ts";

const RW = IommuProt.READ | IommuProt.WRITE;

/** Where descriptors are read, and the address that comes out; null for none. */
function walkByHand(
  root: number,
  va: bigint,
  [inputBits, granuleBits, start]: readonly [bigint, bigint, number],
  descriptor: (level: number) => bigint,
): { reads: number[]; output: number | null } {
  const reads: number[] = [];
  let base = BigInt(root);
  for (let level = start; ; level++) {
    const shift = granuleBits + BigInt(3 - level) * (granuleBits - 3n);
    const top = level === start ? inputBits : shift + granuleBits - 3n;
    reads.push(Number(base + ((va & ((1n << top) - 1n)) >> shift) * 8n));
    const value = descriptor(level);
    const isPage = level === 3 && (value & 3n) === 3n;
    const isTable = level < 3 && (value & 3n) === 3n;
    const isBlock = level < 3 && (value & 3n) === 1n;
    let address = value & 0xffff_ffff_f000n & ~((1n << granuleBits) - 1n);
    if (granuleBits === 16n) address |= ((value >> 12n) & 0xfn) << 48n;
    if (isTable) {
      base = address;
      continue;
    }
    if (!isPage && !isBlock) return { reads, output: null };
    return { reads, output: Number(address + (va & ((1n << shift) - 1n))) };
  }
}

const kinds = [
  // stage, granule, input bits, where the walk begins, pages and blocks, where tables lie.
  [1, "4KiB", 48, 0, [0x1000, 0x20_0000, 0x4000_0000], 0x7_1000_0000],
  [1, "4KiB", 39, 1, [0x1000, 0x20_0000, 0x4000_0000], 0x1000_0000],
  [2, "4KiB", 40, 1, [0x1000, 0x20_0000, 0x4000_0000], 0x7_1000_0000],
  [1, "16KiB", 48, 0, [0x4000, 0x200_0000], 0x7_1000_0000],
  [2, "16KiB", 48, 1, [0x4000, 0x200_0000], 0x7_1000_0000],
  [1, "64KiB", 52, 1, [0x1_0000, 0x2000_0000, 2 ** 42], 0xa_0000_0000_0000],
  [2, "64KiB", 42, 2, [0x1_0000, 0x2000_0000], 0x7_1000_0000],
] as const;

describe("the walker reads where the descriptors point, and what comes out is in them", () => {
  test.each(kinds)(
    "stage %i, %s, %i bits from level %i",
    (stage, granule, inputBits, start, sizes, first) => {
      const outputBits = inputBits === 52 ? 52 : 48;
      const page = sizes[0];
      const pages = 2 ** inputBits / page;
      const mapping = fc.record({
        at: fc.nat(2 ** 20),
        to: fc.nat(2 ** 20),
        size: fc.constantFrom(...sizes),
        offset: fc.nat(0xffff),
      });
      fc.assert(
        fc.property(fc.array(mapping, { minLength: 1, maxLength: 6 }), (mappings) => {
          const memory = new LooseTableMemory(first);
          const table = new PageTable(lpaeFormat(config(stage, granule, { inputBits, outputBits })), {
            memory,
          });
          // Spread over all addresses, whatever the size.
          const spread = (seed: number, size: number, end: number): number =>
            Math.floor(((seed * 2654435761) % 2 ** 32) * (end / size / 2 ** 32)) * size;
          for (const { at, to, size } of mappings)
            table.mapPages(spread(at, size, pages * page), spread(to, size, 2 ** outputBits), size, 1, RW);
          for (const { at, size, offset } of mappings)
            for (const va of [
              spread(at, size, pages * page) + (offset % size),
              spread(at + 1, page, pages * page),
            ]) {
              const reads: number[] = [];
              table.fetch(va, 0, 0, (address) => reads.push(address));
              const expected = walkByHand(
                table.rootAddress,
                BigInt(va),
                [BigInt(inputBits), BigInt(Math.log2(page)), start],
                (level) => {
                  const [low, high] = table.descriptor(va, level) ?? [0, 0];
                  return (BigInt(high) << 32n) | BigInt(low);
                },
              );
              expect({ reads, output: table.lookup(va) }).toEqual(expected);
            }
        }),
        { seed: 20261120, numRuns: 60 },
      );
    },
  );
});
