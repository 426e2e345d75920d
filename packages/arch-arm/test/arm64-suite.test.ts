// SPDX-License-Identifier: MIT
import { archSuite } from "@dmabuf/core/testing";
import { describe, test } from "vitest";
import { arm64 } from "../src/index.ts";

describe("arm64 keeps the contract of an architecture", () => {
  for (const { name, run } of archSuite(() => arm64())) test(name, run);
});

describe("so does one with lines of 128 bytes", () => {
  for (const { name, run } of archSuite(() => arm64({ line: 128 }))) test(name, run);
});
