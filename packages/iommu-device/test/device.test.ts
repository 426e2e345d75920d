// SPDX-License-Identifier: MIT
import { iommuSuite } from "@dmabuf/core/testing";
import { describe, test } from "vitest";
import { device } from "../src/index.ts";

describe("device owes what every IOMMU does: it", () => {
  for (const { name, run } of iommuSuite((unit) => device(unit))) test(name, run);
});
