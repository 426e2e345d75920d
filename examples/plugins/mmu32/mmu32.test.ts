// SPDX-License-Identifier: MIT
import { iommuSuite } from "@dmabuf/core/testing";
import { describe, test } from "vitest";
import { mmu32 } from "./mmu32.ts";

describe("what every IOMMU must do", () => {
  for (const { name, run } of iommuSuite((name) => mmu32(name))) test(name, run);
});

describe("so with a walker that snoops", () => {
  for (const { name, run } of iommuSuite((name) => mmu32(name, { coherentWalk: true }))) test(name, run);
});
