// SPDX-License-Identifier: MIT
import { iommuSuite } from "@dmabuf/core/testing";
import { describe, test } from "vitest";
import { smmu } from "../src/index.ts";

describe("smmu owes what every IOMMU does: it", () => {
  for (const { name, run } of iommuSuite((unit) => smmu(unit))) test(name, run);
});
