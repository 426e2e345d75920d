// SPDX-License-Identifier: MIT
import { archSuite } from "@dmabuf/core/testing";
import { describe, test } from "vitest";
import { templateName } from "../src/index.ts";

describe("what every architecture must do", () => {
  for (const { name, run } of archSuite(() => templateName())) test(name, run);
});
