// SPDX-License-Identifier: MIT
import type { PoolDescription } from "@dmabuf/core";
import { type ExporterSuiteOptions, exporterSuite } from "@dmabuf/core/testing";
import { describe, test } from "vitest";
import { heaps } from "../src/index.ts";

const place = { base: 0x7000_0000, size: "24MiB" } as const;
const board = (pool: PoolDescription) => ({ memory: [{ base: 0, size: "32MiB" }], pools: [pool] });

const suites: readonly ExporterSuiteOptions[] = [
  { exporter: "system" },
  { exporter: "cma" },
  { exporter: "deferred" },
  { exporter: "frames", cached: false, board: board({ kind: "carve-out", name: "frames", ...place }) },
  {
    exporter: "video",
    trustId: "tee",
    board: board({ kind: "protected", name: "video", trustId: "tee", ...place }),
  },
];

for (const options of suites) {
  describe(`${options.exporter} keeps the contract of an exporter`, () => {
    for (const { name, run } of exporterSuite(heaps, options)) test(name, run);
  });
}
