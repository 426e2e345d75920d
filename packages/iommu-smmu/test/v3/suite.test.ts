// SPDX-License-Identifier: MIT
import { iommuSuite } from "@dmabuf/core/testing";
import { describe, test } from "vitest";
import type { SmmuV3Options } from "../../src/v3/smmu-v3-options.ts";
import { smmuV3 } from "../../src/v3/smmu-v3-plugin.ts";

const sets: Readonly<Record<string, SmmuV3Options>> = {
  "as it is usual": {},
  "that does not snoop its tables": { coherentWalk: false },
  "of stage 1 alone, with a linear stream table": {
    stages: [1],
    streamTable: "linear",
    streamIdBits: 8,
  },
  "of stage 2 alone": { stages: [2], inputBits: 40, outputBits: 40 },
  "of stage 2 alone that does not snoop": { stages: [2], coherentWalk: false },
  "under a hypervisor": { nested: true },
  "under a hypervisor, not snooping": { nested: true, coherentWalk: false },
  "with the 16 KiB granule": { granules: ["16KiB"] },
  "with the 64 KiB granule and 52 bits": { granules: ["64KiB"], inputBits: 52, outputBits: 52 },
  "that can invalidate ranges": { rangeInvalidation: true },
  "with substreams in two levels": { substreamBits: 16 },
  "whose devices have ATCs": { ats: true },
  "whose devices have ATCs, under a hypervisor": { ats: true, nested: true },
  "whose devices can wait": { stall: true },
};

for (const [name, options] of Object.entries(sets))
  describe(`an SMMUv3 ${name} owes what every IOMMU does: it`, () => {
    const permissions = options.stages?.includes(1) === false ? "read-and-write" : "read-only";
    // What is left of a block is named by the level of its new pages, and the entry of the block stays: see driver.test.ts.
    const byLevel = options.rangeInvalidation === true;
    const isLarge = options.granules?.includes("4KiB") === false;
    // The DMA API's I/O virtual addresses are no coarser than the CPU's pages. @see iommu_dma_init_domain
    const tests = iommuSuite((unit) => smmuV3(unit, options), { permissions }).filter(
      ({ name: what }) =>
        !(isLarge && what.startsWith("serves the DMA API")) &&
        !(byLevel && what.startsWith("unmaps a part of a large mapping")),
    );
    for (const { name: what, run } of tests) test(what, run);
  });
