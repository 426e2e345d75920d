// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { physAddr } from "../../../src/address.ts";
import type { SlotRange } from "../../../src/dma/swiotlb/slot-request.ts";
import { SwiotlbPool } from "../../../src/dma/swiotlb/swiotlb-pool.ts";

const START = 0x1_0010_1000;

const step = fc.record({
  allocate: fc.integer({ min: 0, max: 9 }).map((n) => n < 6),
  original: fc.integer({ min: 0, max: 2 ** 40 }),
  size: fc.oneof(fc.integer({ min: 1, max: 9000 }), fc.integer({ min: 1, max: 270_000 })),
  minAlignMask: fc.constantFrom(0, 0, 0x1ff, 0x7ff, 0xfff, 0x3fff),
  allocAlignMask: fc.constantFrom(0, 0, 0, 0xfff, 0x3fff),
  boundaryMask: fc.constantFrom(0xffffffff, 0x3ffff, 0xffff),
  dmaOffset: fc.constantFrom(0, 0x1000, 0x1_0000_0000),
  cpu: fc.nat(5),
  which: fc.nat(),
});

type Wanted = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Bits of an address or mask, in whole numbers of any size. */
const bits = (address: number, mask: number): number => Number(BigInt(address) & BigInt(mask));

/** The bits that an allocation's first address has as zeroes, and those that it has from the original. */
function masksOf({ size, original, minAlignMask, allocAlignMask }: Wanted) {
  const page = minAlignMask === 0 && allocAlignMask === 0 && size >= 4096 ? 0xfff : 0;
  const zeroes = allocAlignMask | page | 0x7ff;
  const kept = minAlignMask - bits(minAlignMask, zeroes);
  return { zeroes, kept, checked: original === 0 ? 0 : kept };
}

/** Where an allocation may begin as far as masks say. */
function isAligned(slot: number, wanted: Wanted): boolean {
  const { zeroes, checked } = masksOf(wanted);
  const bus = START - wanted.dmaOffset + slot * 2048;
  return bits(bus, zeroes) === 0 && bits(bus, checked) === bits(wanted.original, checked);
}

/** Whether that many slots are free, in one segment, and within the boundary. */
function hasRoom(used: readonly boolean[], slot: number, count: number, wanted: Wanted): boolean {
  const { boundaryMask, dmaOffset } = wanted;
  if (Math.floor(slot / 128) !== Math.floor((slot + count - 1) / 128)) return false;
  if (used.slice(slot, slot + count).includes(true)) return false;
  const bus = START - dmaOffset + slot * 2048;
  const last = bus + count * 2048 - 1;
  return Math.floor(bus / (boundaryMask + 1)) === Math.floor(last / (boundaryMask + 1));
}

/**
 * The slots of an area that a search looks at, in order: from where the last one ended, one by one up to an aligned one,
 * then by the alignment. Past the end it begins at 0, having counted the whole step: so it may end a little early.
 */
function lookedAt(base: number, size: number, next: number, wanted: Wanted): number[] {
  const { zeroes, kept } = masksOf(wanted);
  const stride = Math.floor(Math.max(zeroes, kept) / 2048) + 1;
  const slots: number[] = [];
  for (let at = next, seen = 0; seen < size; ) {
    const aligned = isAligned(base + at, wanted);
    if (aligned) slots.push(base + at);
    seen += aligned ? stride : 1;
    at += aligned ? stride : 1;
    if (at >= size) at = 0;
  }
  return slots;
}

test("finds the first slots of its search that the rules allow, keeps mappings apart, and gets back to where it began", () => {
  const seen = { given: 0, full: 0, large: 0 };
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2, 4),
      fc.array(step, { minLength: 40, maxLength: 80, size: "max" }),
      (cpus, steps) => {
        const pool = new SwiotlbPool(physAddr(START), { size: 2 ** 20, cpus });
        const fresh = Array.from({ length: pool.slots }, (_, slot) => pool.freeFrom(slot));
        const areaSlots = pool.slots / pool.areas;
        const used = new Array<boolean>(pool.slots).fill(false);
        const next = new Array<number>(pool.areas).fill(0);
        const live: SlotRange[] = [];
        for (const wanted of steps) {
          if (!wanted.allocate && live.length > 0) {
            const [range] = live.splice(wanted.which % live.length, 1) as [SlotRange];
            pool.release(range);
            used.fill(false, range.first, range.first + range.count);
          } else {
            const original = physAddr(wanted.original);
            const kept = bits(original, wanted.minAlignMask);
            const offset = bits(kept, wanted.allocAlignMask | 0x7ff);
            const granule = wanted.allocAlignMask + 1;
            const bytes = Math.ceil((wanted.size + offset) / granule) * granule;
            const count = Math.ceil(bytes / 2048);
            const own = wanted.cpu % pool.areas;
            const order = next.map((_, i) => (own + i) % pool.areas);
            const places = order.flatMap((area) =>
              lookedAt(area * areaSlots, areaSlots, next[area] as number, { ...wanted, size: bytes }),
            );
            const expected = places.find((slot) => hasRoom(used, slot, count, wanted));
            const range = pool.allocate({ ...wanted, original });
            if (typeof range === "string") {
              if (range === "too-large") seen.large++;
              else seen.full++;
              expect(expected).toBeUndefined();
              continue;
            }
            seen.given++;
            expect(range.first).toBe(expected);
            const area = Math.floor(range.first / areaSlots);
            next[area] = (range.first + count - area * areaSlots) % areaSlots;
            expect(next.map((_, each) => pool.nextOf(each))).toEqual(next);
            expect(range).toMatchObject({ count, bytes, padding: Math.floor(offset / 2048) });
            if (original !== 0)
              expect(bits(range.address - wanted.dmaOffset, wanted.minAlignMask)).toBe(kept);
            expect(range.address + wanted.size).toBeLessThanOrEqual(
              START + (range.first + range.count) * 2048,
            );
            used.fill(true, range.first, range.first + count);
            live.push(range);
          }
          let run = 0;
          const free = used.map(() => 0);
          for (let slot = pool.slots - 1; slot >= 0; slot--) {
            run = used[slot] ? 0 : slot % 128 === 127 ? 1 : run + 1;
            free[slot] = run;
          }
          expect(used.map((_, slot) => pool.freeFrom(slot))).toEqual(free);
          expect(pool.used).toBe(used.filter((taken) => taken).length);
        }
        for (const range of live) pool.release(range);
        expect(fresh.map((_, slot) => pool.freeFrom(slot))).toEqual(fresh);
        expect(pool.used).toBe(0);
      },
    ),
    { seed: 20261120, numRuns: 80, endOnFailure: true },
  );
  expect(seen.given).toBeGreaterThan(500);
  expect(Math.min(seen.full, seen.large)).toBeGreaterThan(30);
});
