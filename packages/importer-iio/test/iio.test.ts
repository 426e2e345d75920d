// SPDX-License-Identifier: MIT
import { importerSuite } from "@dmabuf/core/testing";
import { describe, test } from "vitest";
import { iio } from "../src/index.ts";

describe("importerSuite", () => {
  for (const { name, run } of importerSuite((device) => iio(device))) test(name, run);
});

describe("importerSuite, a converter of one direction", () => {
  for (const { name, run } of importerSuite((device) => iio(device, { direction: "in" }), {
    kinds: ["write"],
  })) {
    test(name, run);
  }
});
