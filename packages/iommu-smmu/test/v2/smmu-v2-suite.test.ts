// SPDX-License-Identifier: MIT
import { iommuSuite } from "@dmabuf/core/testing";
import { describe, expect, test } from "vitest";
import { mmu500, smmuV2 } from "../../src/index.ts";
import type { SmmuV2Options } from "../../src/v2/smmu-v2-options.ts";

// Stage 1 cannot forbid reads (M-27).
const kinds: Readonly<Record<string, SmmuV2Options>> = {
  "with what it has by default": {},
  "whose walks snoop": { coherentWalk: true },
  "that stalls": { stall: true },
  "with addresses of 32 to 36 bits": { vaBits: 32, ipaBits: 36 },
};

for (const [kind, options] of Object.entries(kinds))
  describe(`an SMMUv2 ${kind}`, () => {
    for (const { name, run } of iommuSuite((unit) => smmuV2(unit, options), { permissions: "read-only" }))
      test(name, run);
  });

for (const [kind, options] of Object.entries({
  "that does stage 2 alone": { stages: [2] },
  "asked for stage 2": { stage: 2, ipaBits: 40, coherentWalk: true },
} as const))
  describe(`an SMMUv2 ${kind}`, () => {
    for (const { name, run } of iommuSuite((unit) => smmuV2(unit, options))) test(name, run);
  });

describe("an MMU-500", () => {
  const options = { permissions: "read-only", ids: [0x874, 0xce3] } as const;
  for (const { name, run } of iommuSuite((unit) => mmu500(unit), options)) test(name, run);
});

describe("an SMMUv2 with pages larger than the CPU's", () => {
  const tests = iommuSuite((unit) => smmuV2(unit, { granules: ["16KiB"] }), { permissions: "read-only" });
  for (const { name, run } of tests) {
    // The kernel has BUG_ON(granule > PAGE_SIZE) in init_iova_domain.
    if (name.startsWith("serves the DMA API"))
      test("is none for the DMA API", () => expect(run).toThrow("granule 16384"));
    else test(name, run);
  }
});
