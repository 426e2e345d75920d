// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { Tlb } from "../../src/iommu.ts";

const GRANULE = 4096;
const PAGES = 64;
const TAGS = 3;

/** One page or block as a TLB has it. */
interface Entry {
  readonly tag: number;
  readonly start: number;
  readonly size: number;
  readonly output: number;
  readonly attributes: number;
}

const where = { tag: fc.nat(TAGS - 1), at: fc.nat(PAGES * GRANULE - 1), length: fc.nat(20 * GRANULE) };
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("fill" as const),
      ...where,
      order: fc.constantFrom(0, 0, 2, 4),
      output: fc.nat(2 ** 30),
      attributes: fc.constantFrom(0, 1, 7, 2 ** 24 - 1),
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("invalidate" as const), ...where }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("everywhere" as const), ...where }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constantFrom("tag" as const, "tags" as const, "all" as const), ...where }),
  },
);

test("agrees with a list of entries: blocks go as a whole, tags keep apart, and nothing is forgotten by itself", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
      const tlb = new Tlb(GRANULE, PAGES * GRANULE);
      let entries: Entry[] = [];
      const drop = (which: (entry: Entry) => boolean): void => {
        entries = entries.filter((entry) => !which(entry));
      };
      const overlaps = ({ start, size }: Entry, from: number, length: number): boolean =>
        length > 0 && start < from + length && from < start + size;
      for (const { tag, at, length, ...s } of steps) {
        if (s.op === "fill") {
          const size = GRANULE * 2 ** s.order;
          const start = Math.floor(at / size) * size;
          const output = Math.floor(s.output / size) * size;
          // A walker fills what it did not find; smaller entries within a new block are what a break-before-make prevents.
          if (entries.some((entry) => entry.tag === tag && overlaps(entry, start, size))) continue;
          tlb.fill(tag, at, output + (at - start), size, s.attributes);
          const answer = () => [tlb.address, tlb.end, tlb.attributes];
          const filled = answer();
          tlb.find(tag, at);
          expect(answer(), "what was filled is what is found").toEqual(filled);
          entries.push({ tag, start, size, output, attributes: s.attributes });
        } else if (s.op === "invalidate") {
          tlb.invalidate(tag, at, length);
          drop((entry) => entry.tag === tag && overlaps(entry, at - (at % GRANULE), length + (at % GRANULE)));
        } else if (s.op === "everywhere") {
          tlb.invalidateEverywhere(at, length);
          drop((entry) => overlaps(entry, at - (at % GRANULE), length + (at % GRANULE)));
        } else if (s.op === "tag") {
          tlb.invalidateTag(tag);
          drop((entry) => entry.tag === tag);
        } else if (s.op === "tags") {
          tlb.invalidateTags((other) => other !== tag);
          drop((entry) => entry.tag !== tag);
        } else {
          tlb.invalidateAll();
          entries = [];
        }
        let pages = 0;
        for (let of = 0; of < TAGS; of++) {
          for (let page = 0; page < PAGES; page++) {
            const address = page * GRANULE + 99;
            const entry = entries.find((each) => each.tag === of && overlaps(each, address, 1));
            if (entry !== undefined) pages++;
            const found = tlb.find(of, address);
            if (found !== (entry !== undefined)) expect.fail(`tag ${of}, page ${page}`);
            if (entry === undefined) continue;
            const wanted = [entry.output + address - entry.start, entry.start + entry.size, entry.attributes];
            const got = [tlb.address, tlb.end, tlb.attributes];
            if (String(got) !== String(wanted)) expect.fail(`page ${page}: ${got}, not ${wanted}`);
          }
        }
        expect(tlb.pageCount).toBe(pages);
      }
    }),
    { seed: 20261120, numRuns: 120 },
  );
});

test("counts what it found and what it did not, and knows nothing past its end", () => {
  const tlb = new Tlb(GRANULE, 2 ** 32);
  tlb.fill(1, 0x5000, 0x9000, GRANULE, 3);
  expect([tlb.find(1, 0x5fff), tlb.find(2, 0x5000), tlb.find(1, 2 ** 32), tlb.find(1, 2 ** 40)]).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect([tlb.hits, tlb.misses]).toEqual([1, 3]);
  expect(() => tlb.invalidate(1, 2 ** 32, GRANULE)).not.toThrow();
  tlb.invalidate(1, 0, 2 ** 48);
  expect(tlb.find(1, 0x5000)).toBe(false);
});

test("a new entry takes the place of older ones that it overlaps, whole", () => {
  const tlb = new Tlb(GRANULE, 2 ** 32);
  tlb.fill(0, 0x1_0000, 0x10_0000, 16 * GRANULE, 1);
  tlb.fill(0, 0x1_4000, 0x9000, GRANULE, 2);
  expect(tlb.find(0, 0x1_4000)).toBe(true);
  expect([tlb.address, tlb.end, tlb.attributes]).toEqual([0x9000, 0x1_5000, 2]);
  expect(tlb.find(0, 0x1_5000), "what is left of the block").toBe(false);
});
