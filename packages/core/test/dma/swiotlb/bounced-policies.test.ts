// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import type { CoherencyChoice, FindingCode } from "../../../src/index.ts";
import { narrowPlatform } from "./narrow-platform.ts";

const breaking: readonly FindingCode[] = ["stale-read", "lost-write", "race"];

test.each<[policy: CoherencyChoice, from: string, to: string, finds: readonly FindingCode[]]>([
  ["kernel", "narrow", "wide", ["stale-read"]],
  // It syncs for the CPU: the copy back is in the CPU's cache, which the other device does not see.
  ["exporter-sync", "narrow", "wide", ["stale-read"]],
  ["exporter-sync", "dac", "narrow", []],
  // A sync before and after each access is what a bounce buffer needs.
  ["begin-end-access", "narrow", "wide", []],
  ["begin-end-access", "wide", "narrow", []],
  ["begin-end-access", "seeing", "dac", []],
  // Maintenance alone, however clever, copies nothing.
  ["device-to-device", "narrow", "wide", ["stale-read"]],
  ["device-to-device", "dac", "seeing", ["stale-read"]],
])("%s, %s to %s", (coherency, from, to, finds) => {
  const report = narrowPlatform().run(
    {
      buffers: { b: { size: 8192 } },
      stages: [
        { device: from, writes: "b" },
        { device: to, reads: "b" },
      ],
      exporter: "scattered",
      frames: 2,
    },
    { coherency, data: 5 },
  );
  const found = report.findings.map(({ code }) => code);
  expect(found).toContain("bounced-share");
  expect(breaking.filter((code) => found.includes(code))).toEqual(finds);
});
