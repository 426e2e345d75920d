// SPDX-License-Identifier: MIT
import { KernelError } from "@dmabuf/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { AddressRoom } from "../src/driver/address-room.ts";

const START = 3;
const END = 40;

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant("take" as const),
      size: fc.integer({ min: 1, max: 8 }),
      alignment: fc.constantFrom(1, 2, 4),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant("take at" as const),
      size: fc.integer({ min: 1, max: 8 }),
      address: fc.nat(44),
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("give" as const), which: fc.nat(20) }) },
);

test("hands out the lowest place that fits, as a row of flags does", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const room = new AddressRoom(START, END);
      const taken = new Array<boolean>(END).fill(false, START);
      taken.fill(true, 0, START);
      const given: { address: number; size: number }[] = [];
      const isFree = (address: number, size: number): boolean =>
        address >= START && address + size <= END && !taken.slice(address, address + size).includes(true);
      const add = (address: number, size: number): void => {
        taken.fill(true, address, address + size);
        given.push({ address, size });
      };
      for (const each of steps) {
        if (each.op === "give") {
          const [gone] = given.splice(each.which % Math.max(1, given.length), 1);
          if (gone === undefined) continue;
          room.give(gone.address);
          taken.fill(false, gone.address, gone.address + gone.size);
          continue;
        }
        const { size } = each;
        const place =
          each.op === "take at"
            ? [each.address].find((at) => isFree(at, size))
            : taken.findIndex((_, at) => at % each.alignment === 0 && isFree(at, size));
        const take = (): number =>
          each.op === "take" ? room.take(size, each.alignment) : room.takeAt(each.address, size);
        if (place === undefined || place < 0) expect(take).toThrow(KernelError);
        else {
          expect(take()).toBe(place);
          add(place, size);
        }
      }
    }),
    { seed: 20261120, numRuns: 300 },
  );
});

test("what was never taken is not given back: what was stays", () => {
  const room = new AddressRoom(0, 10);
  room.takeAt(2, 3);
  expect(() => room.give(4)).toThrow("drm_mm_remove_node: -EINVAL: nothing begins at 0x4");
  expect(() => room.takeAt(2, 1)).toThrow("is taken already");
  room.give(2);
  expect(() => room.give(2)).toThrow("-EINVAL");
});
