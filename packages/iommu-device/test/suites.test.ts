// SPDX-License-Identifier: MIT
import { importerSuite, iommuSuite } from "@dmabuf/core/testing";
import { describe, test } from "vitest";
import {
  etnavivV1,
  etnavivV2,
  gpu,
  gpuMmu,
  limaMmu,
  maliMmu,
  mmuIommu,
  rockchipIommu,
  v3dMmu,
} from "../src/index.ts";

describe.each([1, 2] as const)("Rockchip's IOMMU v%i owes what every IOMMU does: it", (version) => {
  const options = { ids: [0, 0], contexts: false } as const;
  for (const { name, run } of iommuSuite((unit) => rockchipIommu(unit, { version }), options))
    test(name, run);
});

/** The MMUs that can have a domain of the DMA API, and what their pages can allow. */
const mmus = [
  { name: "etnaviv's MMUv2", mmu: etnavivV2, permissions: "read-only" },
  { name: "etnaviv's MMUv2 with security", mmu: () => etnavivV2({ secure: true }), permissions: "read-only" },
  { name: "V3D's MMU", mmu: v3dMmu, permissions: "read-only", oneDomain: true },
  { name: "Mali's MMU", mmu: maliMmu, permissions: "read-and-write" },
  { name: "Mali-400's MMU", mmu: limaMmu, permissions: "read-and-write" },
  { name: "the MMU of a large GPU", mmu: gpuMmu, permissions: "read-and-write" },
] as const;

describe.each(mmus)(
  "$name as an IOMMU of the board owes what every IOMMU does: it",
  ({ mmu, permissions, ...rest }) => {
    const options = { permissions, contexts: false, identity: false, ...rest };
    for (const { name, run } of iommuSuite((unit) => mmuIommu(unit, { mmu: mmu() }), options))
      test(name, run);
  },
);

// The importers' suite counts accesses to memory, so that the table walker must be one that leaves none.
const drivers = [
  ...mmus.filter(({ mmu }) => mmu !== maliMmu),
  { name: "Mali's MMU", mmu: () => maliMmu({ coherentWalk: true }) },
  { name: "etnaviv's MMUv1", mmu: etnavivV1 },
];

describe.each(drivers)("a GPU with $name owes its buffers what every importer does: it", ({ mmu }) => {
  for (const { name, run } of importerSuite((device) => gpu(device, { mmu: mmu() }))) test(name, run);
});
