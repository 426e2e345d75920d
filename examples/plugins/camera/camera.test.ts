// SPDX-License-Identifier: MIT
import { arm64 } from "@dmabuf/arch-arm";
import { assemble, board } from "@dmabuf/core";
import { importerSuite } from "@dmabuf/core/testing";
import { heaps } from "@dmabuf/exporter-heaps";
import { udmabuf } from "@dmabuf/exporter-udmabuf";
import { describe, expect, test } from "vitest";
import { camera } from "./camera.ts";

describe("what every importer must do", () => {
  for (const { name, run } of importerSuite((device) => camera(device), { kinds: ["write"] }))
    test(name, run);
});

const machine = board({
  model: "a machine with a camera",
  memory: [{ base: 0, size: "1GiB" }],
  pools: [{ kind: "cma", size: "64MiB" }],
  devices: {
    csi: { class: "camera", coherent: false },
    display: { class: "display", coherent: false },
  },
});
const platform = assemble(machine, [arm64(), heaps(), udmabuf(), camera("csi")]);
const capture = {
  buffers: { frames: { size: "2MiB", count: 2 } },
  stages: [
    { device: "csi", writes: "frames" },
    { device: "display", reads: "frames" },
  ],
  frames: 4,
} as const;

test.each(["system", "cma"])("captures into memory of the %s heap", (exporter) => {
  expect(platform.run({ ...capture, exporter }).verdict).toBe("coherent");
});

test("refuses a buffer of single pages", () => {
  const { verdict, findings } = platform.run({ ...capture, exporter: "udmabuf" });
  expect(verdict).toBe("impossible");
  expect(findings[0]?.message).toContain("camera attach: -EFAULT: 512 segments, csi takes 16 at most");
});
