// SPDX-License-Identifier: MIT
// The same runs on a machine with real bytes in real lines of both caches: it never sees what the analysis rules out.
import type { CoherencyChoice, Pipeline, Stage } from "@dmabuf/core";
import { expect, test } from "vitest";
import { zynq7000 } from "../src/index.ts";

const platform = zynq7000();
const stages: Readonly<Record<string, readonly Stage[]>> = {
  "HP0 to CPU": [
    { device: "adc-hp0", writes: "samples" },
    { name: "inspect", cpu: true, reads: "samples" },
  ],
  "CPU to HP0": [
    { name: "fill", cpu: true, writes: "samples" },
    { device: "dac-hp0", reads: "samples" },
  ],
  "ACP to USB": [
    { device: "adc-acp", writes: "samples" },
    { device: "usb0", reads: "samples" },
  ],
  "USB to ACP": [
    { device: "usb0", writes: "samples" },
    { device: "dac-acp", reads: "samples" },
  ],
  "ACP to CPU": [
    { device: "adc-acp", writes: "samples" },
    { name: "inspect", cpu: true, reads: "samples" },
  ],
};

const cases = Object.entries(stages).flatMap(([name, list]) =>
  (["kernel", "device-to-device"] as const).map((coherency) => [name, coherency, list] as const),
);

test.each(cases)("%s, %s: coherent means that no seed observes anything", (_name, coherency, list) => {
  const pipeline = (seed: number): [verdict: string, observed: number] => {
    const what: Pipeline = {
      buffers: { samples: { size: "16KiB", count: 2 } },
      stages: list,
      exporter: "system",
      frames: 6,
    };
    const choice: CoherencyChoice = coherency;
    const { report, system } = platform.judge(what, { coherency: choice, data: seed });
    using finished = system;
    return [report.verdict, finished.observed.length];
  };
  const runs = [1, 2, 3, 4].map(pipeline);
  const [[verdict]] = runs as [[string, number]];
  const observed = runs.reduce((sum, [, count]) => sum + count, 0);
  if (verdict === "coherent") expect(observed).toBe(0);
  else expect(observed, "four machines with caches as small as they like").toBeGreaterThan(0);
});
