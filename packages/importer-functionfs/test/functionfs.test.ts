// SPDX-License-Identifier: MIT
import { importerSuite } from "@dmabuf/core/testing";
import { describe, test } from "vitest";
import { functionfs } from "../src/index.ts";

describe("importerSuite", () => {
  for (const { name, run } of importerSuite((device) => functionfs(device))) test(name, run);
});
