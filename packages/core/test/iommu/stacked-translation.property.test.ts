// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WindowTranslation } from "../../src/dma/window-translation.ts";
import {
  carrying,
  type DeviceTranslation,
  refused,
  type Snooping,
  StackedTranslation,
  untranslated,
} from "../../src/iommu.ts";

const SPACE = 48;

/** A piece of addresses that goes somewhere, with what is said of it. */
const piece = fc.record({
  length: fc.integer({ min: 1, max: 9 }),
  to: fc.option(fc.nat(SPACE - 1), { nil: null }),
  snooping: fc.constantFrom<Snooping>("device", "always", "never"),
  missing: fc.option(fc.constantFrom("x", "y"), { nil: null }),
  inside: fc.constantFrom(false, false, false, true),
});

/** A translation of a small space in pieces. */
const translation = fc.array(piece, { minLength: 1, maxLength: 12 }).map((pieces): DeviceTranslation => {
  return {
    translate(address) {
      let start = 0;
      for (const { length, to, snooping, missing, inside } of pieces) {
        const end = start + length;
        if (address < end) {
          if (to === null) return refused("hole", address, missing);
          const answer = { fault: null, address: to + address - start, end, snooping, missing };
          return inside ? { ...answer, inside } : answer;
        }
        start = end;
      }
      return refused("beyond", address);
    },
  };
});

/** What is said of one byte. */
function byte(through: DeviceTranslation, address: number) {
  const { fault, address: to, snooping, missing } = through.translate(address, 1);
  return fault === null ? { to, snooping, missing } : { fault, missing };
}

describe("one translation behind another (D23)", () => {
  test("is the composition of both, byte by byte, and holds as far as it says", () => {
    fc.assert(
      fc.property(translation, translation, (inner, outer) => {
        const both = new StackedTranslation(inner, outer);
        for (let address = 0; address < SPACE; address++) {
          const first = inner.translate(address, 1);
          const isLast = first.fault !== null || first.inside === true;
          const second = isLast ? first : outer.translate(first.address, 1);
          const got = both.translate(address, 1);
          expect(got.fault).toBe(second.fault);
          expect(got.missing).toBe(first.missing ?? second.missing);
          if (got.fault !== null) continue;
          expect(got.address).toBe(second.address);
          expect(got.inside).toBe(second.inside);
          expect(got.snooping).toBe(second.snooping === "device" ? first.snooping : second.snooping);
          expect(got.end).toBeGreaterThan(address);
          for (let other = address; other < Math.min(got.end, SPACE); other++)
            expect(byte(both, other)).toEqual({ ...byte(both, address), to: got.address + other - address });
        }
      }),
      { seed: 20261120, numRuns: 150 },
    );
  });

  test("does not depend on which two of three are taken together", () => {
    fc.assert(
      fc.property(translation, translation, translation, (a, b, c) => {
        const left = new StackedTranslation(new StackedTranslation(a, b), c);
        const right = new StackedTranslation(a, new StackedTranslation(b, c));
        for (let address = 0; address < SPACE; address++)
          expect(left.translate(address, 1)).toEqual(right.translate(address, 1));
      }),
      { seed: 20261120, numRuns: 150 },
    );
  });

  test("is the one alone where the other lets everything through", () => {
    const through: DeviceTranslation = { translate: (address) => untranslated(address) };
    fc.assert(
      fc.property(translation, (only) => {
        for (let address = 0; address < SPACE; address++) {
          expect(byte(new StackedTranslation(only, through), address)).toEqual(byte(only, address));
          expect(byte(new StackedTranslation(through, only), address)).toEqual(byte(only, address));
        }
      }),
      { seed: 20261120, numRuns: 100 },
    );
  });

  test("tells both what the access is, and whose", () => {
    const heard: unknown[] = [];
    const noting: DeviceTranslation = {
      translate(address, access, substream) {
        heard.push([address, access, substream]);
        return untranslated(address + 0x1000);
      },
    };
    new StackedTranslation(noting, noting).translate(5, 3, 7);
    expect(heard).toEqual([
      [5, 3, 7],
      [0x1005, 3, 7],
    ]);
  });
});

describe("the PASID that an access carries", () => {
  const asked = (through: DeviceTranslation, substream?: number): (number | undefined)[] => {
    const heard: (number | undefined)[] = [];
    const bus: DeviceTranslation = {
      translate(address, _access, carried) {
        heard.push(carried);
        return untranslated(address);
      },
    };
    new StackedTranslation(through, bus).translate(0, 1, substream);
    return heard;
  };
  test("is the one that the device's own stage gave it, else the one that it came with", () => {
    expect(asked(carrying(7))).toEqual([7]);
    expect(asked(carrying(7), 3)).toEqual([7]);
    expect(asked({ translate: (address) => untranslated(address) }, 3)).toEqual([3]);
  });
  test("stays with it behind several stages, in whatever order they are taken together", () => {
    const through: DeviceTranslation = { translate: (address) => untranslated(address) };
    expect(asked(new StackedTranslation(carrying(7), through))).toEqual([7]);
    expect(asked(new StackedTranslation(through, carrying(7)), 3)).toEqual([7]);
    expect(asked(new StackedTranslation(carrying(5), carrying(7)))).toEqual([7]);
  });
});

describe("a bus with windows (D-15)", () => {
  const bus = new WindowTranslation([
    { bus: 0x1000, cpu: 0x8000_0000, size: 0x1000 },
    { bus: 0x4000, cpu: 0, size: 0x2000 },
  ]);

  test("shows memory at addresses of its own, up to the end of each window", () => {
    expect(bus.translate(0x1004)).toEqual({
      fault: null,
      address: 0x8000_0004,
      end: 0x2000,
      snooping: "device",
      missing: null,
    });
    expect(bus.translate(0x5fff)).toMatchObject({ fault: null, address: 0x1fff, end: 0x6000 });
  });

  test("and nothing beside them", () => {
    for (const address of [0, 0xfff, 0x2000, 0x3fff, 0x6000])
      expect(bus.translate(address)).toEqual(refused("its bus shows no memory there", address));
  });
});
