// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { type BitField, bits, Layout } from "../../src/v3/layout.ts";

const options = { seed: 20261120, numRuns: 300 };

/** A structure of 128 bits, cut into fields at random places; none is wider than a number can be. */
const structure = fc
  .uniqueArray(fc.integer({ min: 1, max: 127 }), { minLength: 3, maxLength: 12 })
  .map((cuts) => [0, ...cuts.sort((a, b) => a - b), 128])
  .filter((cuts) => cuts.every((cut, i) => i === 0 || cut - (cuts[i - 1] as number) <= 52))
  .map((cuts) => {
    const fields: Record<string, BitField> = {};
    for (let i = 1; i < cuts.length; i++)
      fields[`f${i}`] = bits((cuts[i] as number) - 1, cuts[i - 1] as number);
    return fields;
  });

test("a field holds what was written, whatever the others are, and lies where it says", () => {
  fc.assert(
    fc.property(
      structure,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), {
        minLength: 13,
        maxLength: 13,
      }),
      (fields, parts) => {
        const layout = new Layout("any", 4, fields);
        const values: Record<string, number> = {};
        let whole = 0n;
        Object.entries(fields).forEach(([name, { high, low }], i) => {
          const value = Math.floor((parts[i] as number) * 2 ** (high - low + 1));
          values[name] = value;
          whole |= BigInt(value) << BigInt(low);
        });
        const words = layout.encode(values);
        expect(layout.decode(words)).toEqual(values);
        const read = [...words].reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n);
        expect(read).toBe(whole);
      },
    ),
    options,
  );
});
