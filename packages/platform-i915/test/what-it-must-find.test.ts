// SPDX-License-Identifier: MIT
// The verdicts that these machines are built for; what each sentence says is worked out by the engine, nothing is recorded.
import "@dmabuf/core/vitest";
import { type Finding, InputError, type Pipeline, type RunReport, type Stage } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { i915, type MachineName } from "../src/index.ts";

const COUNT = 2;
const FRAMES = 8;

const run = (
  machine: MachineName,
  cache: string | null,
  stages: readonly Stage[],
  count = COUNT,
): RunReport => {
  const frame = { size: "1MiB", count, ...(cache === null ? {} : { cache }) };
  const pipeline: Pipeline = { buffers: { frame }, stages, exporter: "i915", frames: FRAMES };
  return i915(machine).run(pipeline);
};
const errors = ({ findings }: RunReport): readonly Finding[] =>
  findings.filter(({ severity }) => severity === "error");

const draws = { name: "draw", cpu: true, writes: "frame" } as const;
const drawsBare = { ...draws, brackets: false } as const;
const looks = { name: "look", cpu: true, reads: "frame" } as const;
const renders = { name: "render", device: "gpu", writes: "frame" } as const;
const samples = { name: "sample", device: "gpu", reads: "frame" } as const;
const shows = { name: "show", device: "display", reads: "frame" } as const;

describe("skylake", () => {
  test("gpu writes, cpu reads: coherent with no maintenance at all", () => {
    const report = run("skylake", null, [renders, looks]);
    expect(report).toBeCoherent();
    expect(report.maintenance.performed.ops).toBe(0);
    expect(report.maintenance.required?.ops).toBe(0);
  });

  test("cpu writes without brackets, display reads: stale from each buffer's second frame on", () => {
    const report = run("skylake", null, [drawsBare, shows]);
    expect(report.verdict).toBe("incoherent");
    expect(report).toHaveFinding("stale-read", { device: "display", frame: COUNT, count: FRAMES - COUNT });
    expect(errors(report)).toHaveLength(1);
  });

  test("with brackets: coherent, one forced clflush a frame, at the pin of the flip", () => {
    const report = run("skylake", null, [draws, shows]);
    expect(report).toBeCoherent();
    expect(report.maintenance.performed.ops).toBe(FRAMES);
    expect(report).not.toHaveFinding("needless-maintenance");
  });

  test("with a front buffer that stays pinned: stale despite brackets", () => {
    const report = run("skylake", null, [draws, { ...shows, pin: "once" }], 1);
    expect(report).toHaveFinding("stale-read", { device: "display", frame: 1, count: FRAMES - 1 });
  });

  test.each([null, "none", "llc"])(
    "gpu writes, display reads, cache %s: coherent, pinning changes the level",
    (cache) => {
      expect(run("skylake", cache, [renders, shows])).toBeCoherent();
    },
  );

  test("with pin: false and cache: llc: stale, because the GPU's writes may stay in the LLC", () => {
    const report = run("skylake", "llc", [renders, { ...shows, pin: false }]);
    expect(report).toHaveFinding("stale-read", { device: "display", frame: 0, count: FRAMES });
    const stale = report.findings.find(({ code }) => code === "stale-read");
    expect(stale?.message).toContain("the new data is still in llc's cache");
    expect(run("skylake", "none", [renders, { ...shows, pin: false }])).toBeCoherent();
  });

  test("a WC write that is not drained before the doorbell is a race that names the missing barrier", () => {
    const report = run("skylake", null, [{ ...drawsBare, mmap: "wc", drains: false }, samples]);
    const race = report.findings.find(({ code }) => code === "race");
    expect(race).toMatchObject({ device: "gpu", other: { stage: "draw" } });
    expect(race?.fix.join()).toContain("sfence");
    expect(run("skylake", null, [{ ...drawsBare, mmap: "wc" }, samples])).not.toHaveFinding("race");
  });

  test("one page mapped WB and WC at once is a finding", () => {
    const report = run("skylake", null, [
      { ...draws, mmap: "wc" },
      { ...looks, mmap: "wb" },
    ]);
    expect(report).toHaveFinding("memory-type-alias");
  });
});

describe.each([
  ["baytrail", "camera"],
  ["broxton", "nvme0"],
] as const)("%s", (machine, snooping) => {
  test("cpu writes without brackets, gpu reads, cache none: stale from the second use on", () => {
    const report = run(machine, "none", [drawsBare, samples]);
    expect(report).toHaveFinding("stale-read", { device: "gpu", frame: COUNT, count: FRAMES - COUNT });
    expect(errors(report)).toHaveLength(1);
  });

  test("with brackets: coherent", () => {
    expect(run(machine, "none", [draws, samples])).toBeCoherent();
  });

  test("with cache: snooped: coherent, and nothing is flushed", () => {
    const report = run(machine, "snooped", [drawsBare, samples]);
    expect(report).toBeCoherent();
    expect(report.maintenance.performed.ops).toBe(0);
  });

  test(`${snooping} writes and snoops, gpu reads, the CPU only looks: maintenance beyond the first is needless`, () => {
    const report = run(machine, "none", [{ device: snooping, writes: "frame" }, samples, looks]);
    expect(report).toBeCoherent();
    const { performed, required } = report.maintenance;
    const needless = report.findings
      .filter(({ code }) => code === "needless-maintenance")
      .reduce((sum, { count }) => sum + count, 0);
    expect(needless).toBeGreaterThan(0);
    expect(performed.ops - needless).toBeLessThanOrEqual(COUNT);
    expect(required?.ns).toBeLessThan(performed.ns);
  });
});

describe("meteorlake", () => {
  test("by default not coherent", () => {
    expect(run("meteorlake", null, [drawsBare, samples])).toHaveFinding("stale-read", { device: "gpu" });
  });

  test("one-way coherent where the page-table entries say so", () => {
    expect(run("meteorlake", "snooped", [drawsBare, samples])).toBeCoherent();
  });
});

test.each([
  ["skylake", "snooped"],
  ["baytrail", "llc"],
  ["meteorlake", "wt"],
] as const)("%s has no cache level %s, and says which it has", (machine, cache) => {
  expect(() => run(machine, cache, [renders, looks])).toThrow(InputError);
  expect(() => run(machine, cache, [renders, looks])).toThrow(/which has .*\bnone\b/);
});
