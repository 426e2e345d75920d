// SPDX-License-Identifier: MIT
import type { Pipeline, Stage } from "@dmabuf/core";
import { explore } from "@dmabuf/core/sim";
import { describe, expect, test } from "vitest";
import { platformOf, withLlc, withoutLlc } from "./machine.ts";

const seeds = 12;
const cpuWrites: Stage = { cpu: true, writes: "frame", wait: "ioctl" };
const gpuDraws: Stage = { device: "gpu", reads: "frame", writes: "frame" };
const displayReads: Stage = { device: "display", reads: "frame" };
const cpuReads: Stage = { name: "viewer", cpu: true, reads: "frame" };

/** What is coherent by the rules, and must be so in every order of events and for every choice of the caches. */
const coherent = [
  ["the LLC's own level", withLlc, [cpuWrites, gpuDraws, displayReads, cpuReads], "llc"],
  ["past the LLC", withLlc, [cpuWrites, gpuDraws, displayReads, cpuReads], "none"],
  ["past the caches", withoutLlc, [cpuWrites, gpuDraws, displayReads, cpuReads], "none"],
  ["snooping", withoutLlc, [cpuWrites, gpuDraws, displayReads, cpuReads], "snooped"],
] as const;

const pipeline = (stages: readonly Stage[], cache: string): Pipeline => ({
  buffers: { frame: { size: "8KiB", count: 2, cache } },
  stages,
  exporter: "i915",
  frames: 5,
});

describe.each(coherent)("%s", (_, options, stages, cache) => {
  test("no cache that holds bytes ever shows old ones", () => {
    for (let data = 1; data <= seeds; data++) {
      const { report, system } = platformOf(options).judge(pipeline(stages, cache), { data });
      expect(report.verdict).toBe("coherent");
      expect(system.observed).toEqual([]);
      system[Symbol.dispose]();
    }
  });

  test("whoever runs first", () => {
    const failing = explore(seeds, (scheduler) => {
      const { verdict, findings } = platformOf(options).run(pipeline(stages, cache), { scheduler });
      const wrong = findings.filter(({ severity }) => severity === "error");
      if (verdict !== "coherent" || wrong.length > 0) throw new TypeError(wrong[0]?.message ?? verdict);
    });
    expect(failing).toBe(null);
  });
});
