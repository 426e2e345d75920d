// SPDX-License-Identifier: MIT
import { iommuSuite } from "@dmabuf/core/testing";
import { describe, test } from "vitest";
import { vtd } from "../src/index.ts";

describe("vtd owes what every IOMMU does: it", () => {
  for (const { name, run } of iommuSuite((unit) => vtd(unit))) test(name, run);
});
