// SPDX-License-Identifier: MIT
import { archSuite } from "@dmabuf/core/testing";
import { describe, test } from "vitest";
import { x86 } from "../src/index.ts";

describe("x86 keeps the contract of an architecture on which all DMA snoops", () => {
  for (const { name, run } of archSuite(() => x86(), { noncoherent: false })) test(name, run);
});

describe("so does one with CLWB and lines of 128 bytes", () => {
  const make = () => x86({ clwb: true, line: 128 });
  for (const { name, run } of archSuite(make, { noncoherent: false })) test(name, run);
});
