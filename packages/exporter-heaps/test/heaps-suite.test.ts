// SPDX-License-Identifier: MIT
import { exporterSuite } from "@dmabuf/core/testing";
import { describe, test } from "vitest";
import { heaps } from "../src/index.ts";

for (const exporter of ["system", "cma"]) {
  describe(`${exporter} keeps the contract of an exporter`, () => {
    for (const { name, run } of exporterSuite(heaps, { exporter })) test(name, run);
  });
}
