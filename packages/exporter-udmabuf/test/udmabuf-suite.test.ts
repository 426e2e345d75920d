// SPDX-License-Identifier: MIT
import { exporterSuite } from "@dmabuf/core/testing";
import { describe, test } from "vitest";
import { udmabuf } from "../src/index.ts";

describe("udmabuf keeps the contract of an exporter", () => {
  for (const { name, run } of exporterSuite(() => udmabuf())) test(name, run);
});
