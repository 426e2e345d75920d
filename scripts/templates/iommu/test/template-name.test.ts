// SPDX-License-Identifier: MIT
import { iommuSuite } from "@dmabuf/core/testing";
import { describe, test } from "vitest";
import { templateName } from "../src/index.ts";

describe("template-name owes what every IOMMU does: it", () => {
  for (const { name, run } of iommuSuite((unit) => templateName(unit))) test(name, run);
});
