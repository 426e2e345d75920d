// SPDX-License-Identifier: MIT
import { importerSuite } from "@dmabuf/core/testing";
import { describe, test } from "vitest";
import { templateName } from "../src/index.ts";

describe("what every importer must do", () => {
  for (const { name, run } of importerSuite((device) => templateName(device))) test(name, run);
});
