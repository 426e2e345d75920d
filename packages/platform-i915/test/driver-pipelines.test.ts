// SPDX-License-Identifier: MIT
import type { Pipeline, RunReport } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { i915 } from "../src/index.ts";

// The driver on its machines: with it, what the DMA API leaves alone is flushed where it has to be.

const machines = ["skylake", "baytrail", "broxton", "meteorlake"] as const;
const frames = { frame: { size: "256KiB", count: 2 } } as const;

const draw: Pipeline = {
  buffers: frames,
  stages: [
    { name: "draw", cpu: true, writes: "frame" },
    { name: "compose", device: "gpu", reads: "frame" },
    { name: "scan out", device: "display", reads: "frame" },
  ],
  exporter: "i915",
  frames: 6,
};
const render: Pipeline = {
  buffers: frames,
  stages: [
    { name: "render", device: "gpu", writes: "frame" },
    { name: "scan out", device: "display", reads: "frame" },
    { name: "grab", cpu: true, reads: "frame" },
  ],
  exporter: "i915",
  frames: 6,
};

const problems = ({ findings }: RunReport): string[] =>
  findings.filter(({ severity }) => severity === "error").map(({ code, device }) => `${code} ${device}`);

describe.each(machines)("on %s", (machine) => {
  test("what the CPU drew reaches GPU and display", () => {
    const report = i915(machine).run(draw);
    expect(problems(report)).toEqual([]);
    expect(report.verdict).toBe("coherent");
  });

  test("what the GPU rendered reaches the display and the CPU", () => {
    const report = i915(machine).run(render);
    expect(problems(report)).toEqual([]);
    expect(report.verdict).toBe("coherent");
  });
});

describe("what a camera wrote", () => {
  const shoot = (exporter: string, device: string): Pipeline => ({
    buffers: frames,
    stages: [
      { name: "shoot", device: "camera", writes: "frame" },
      { name: "show", device, reads: "frame" },
    ],
    exporter,
    frames: 4,
  });

  test.each(machines)("reaches GPU and display on %s, whoever made the buffer", (machine) => {
    for (const exporter of ["i915", "system"]) {
      for (const device of ["gpu", "display"]) {
        expect(problems(i915(machine).run(shoot(exporter, device))), `${exporter} ${device}`).toEqual([]);
      }
    }
  });

  test.each(machines)("reaches a device that snoops only from a camera that does, on %s", (machine) => {
    const snoops = machine === "skylake" || machine === "baytrail";
    expect(i915(machine).run(shoot("system", "nvme0")).verdict).toBe(snoops ? "coherent" : "incoherent");
  });
});

test.each(machines)("on %s the display flushes what the CPU drew, and nothing where all snoop", (machine) => {
  const shown = i915(machine).run(draw).maintenance.performed.ops;
  expect(shown).toBeGreaterThan(0);
  const [cpu, gpu] = draw.stages;
  const composed = i915(machine).run({ ...draw, stages: [cpu, gpu] as Pipeline["stages"] });
  expect(composed.verdict).toBe("coherent");
  if (machine === "skylake") expect(composed.maintenance.performed.ops).toBe(0);
  else expect(composed.maintenance.performed.ops).toBeGreaterThan(0);
});
