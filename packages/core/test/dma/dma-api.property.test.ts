// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { test } from "vitest";
import { Extents, KernelError } from "../../src/index.ts";
import { notingSystem } from "./noting-arch.ts";

const PAGE = 4096;

test("a scatterlist maps exactly when the device reaches each of its bytes, and then byte for byte", () => {
  const range = fc.tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 8 }));
  const property = fc.property(
    fc.array(range, { minLength: 1, maxLength: 8 }),
    fc.integer({ min: 0, max: 100 }),
    fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined }),
    (ranges, offsetPages, limitPages) => {
      const offset = offsetPages * PAGE;
      const limit = limitPages === undefined ? {} : { limit: limitPages * PAGE };
      const { system } = notingSystem({ device: { offset, ...limit } });
      const starts = ranges.map(([page]) => page * PAGE);
      const ends = ranges.map(([page, pages]) => (page + pages) * PAGE);
      const extents = Extents.each(starts, ends);
      const last = (limit.limit ?? Number.POSITIVE_INFINITY) - 1;
      let reachable = true;
      for (let byte = 0; byte < extents.bytes; byte += PAGE / 2) {
        const bus = extents.addressAt(byte) - offset;
        if (bus < 0 || bus + PAGE / 2 - 1 > last) reachable = false;
      }
      const device = system.device("device");
      try {
        const mapping = system.dma.mapSgtable(device, extents, "bidirectional");
        const total = mapping.dmaLengths.reduce((sum, length) => sum + length, 0);
        let at = 0;
        const same = [...mapping.dmaLengths].every((length, i) => {
          const here = (mapping.dmaAddresses[i] as number) + offset === extents.addressAt(at);
          at += length;
          return here;
        });
        return reachable && same && total === extents.bytes && mapping.nents === ranges.length;
      } catch (error) {
        return (
          error instanceof KernelError && error.errno === "EIO" && !reachable && system.dma.live.size === 0
        );
      }
    },
  );
  fc.assert(property, { seed: 20261120, numRuns: 150 });
});
