// SPDX-License-Identifier: MIT
import { exporterSuite } from "@dmabuf/core/testing";
import { describe, test } from "vitest";
import { templateName } from "../src/index.ts";

describe("what every exporter must do", () => {
  for (const { name, run } of exporterSuite(() => templateName())) test(name, run);
});
