// SPDX-License-Identifier: MIT
import { exporterSuite } from "@dmabuf/core/testing";
import { describe, test } from "vitest";
import { carveout } from "./carveout.ts";

const range = { base: 0x7000_0000, size: 16 << 20 };
const board = {
  memory: [{ base: 0, size: "32MiB" }],
  pools: [{ kind: "carve-out", name: "camera", ...range }] as const,
};

describe("what every exporter must do", () => {
  for (const { name, run } of exporterSuite(() => carveout(range), { board })) test(name, run);
});
