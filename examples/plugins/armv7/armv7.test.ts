// SPDX-License-Identifier: MIT
import { archSuite } from "@dmabuf/core/testing";
import { describe, test } from "vitest";
import { armv7 } from "./armv7.ts";

describe("what every architecture must do", () => {
  for (const { name, run } of archSuite(() => armv7())) test(name, run);
});
