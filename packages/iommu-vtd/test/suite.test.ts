// SPDX-License-Identifier: MIT
import { iommuSuite } from "@dmabuf/core/testing";
import { describe, test } from "vitest";
import { type VtdOptions, vtd } from "../src/index.ts";

const kinds: readonly (readonly [name: string, options: VtdOptions])[] = [
  ["legacy", {}],
  ["legacy, 39 bits", { addressWidth: 39 }],
  ["legacy with five levels", { addressWidth: 57 }],
  ["legacy with caching mode", { cachingMode: true }],
  ["legacy whose walks snoop", { coherentWalk: true }],
  ["scalable first-level", { mode: "scalable" }],
  [
    "scalable first-level with five levels and walks that snoop",
    { mode: "scalable", addressWidth: 57, coherentWalk: true },
  ],
  ["scalable second-level", { mode: "scalable", stage: "second-level" }],
  [
    "scalable second-level with walks that snoop",
    { mode: "scalable", stage: "second-level", coherentWalk: true },
  ],
  ["scalable with caching mode", { mode: "scalable", cachingMode: true }],
  ["without page-selective invalidation", { pageSelective: false }],
  ["with devices that keep translations", { deviceTlb: [0x10, 0xa0] }],
  ["scalable with devices that keep translations", { mode: "scalable", deviceTlb: [0x10, 0xa0] }],
];

describe.each(kinds)("VT-d, %s, owes what every IOMMU does: it", (_name, options) => {
  const suite = iommuSuite((unit) => vtd(unit, options), { ids: [0x10, 0xa0], permissions: "read-only" });
  for (const { name, run } of suite) test(name, run);
});
