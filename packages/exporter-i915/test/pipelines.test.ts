// SPDX-License-Identifier: MIT
import type { RunReport, Stage } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { run, withLlc, withoutLlc } from "./machine.ts";

const gpuWrites: Stage = { device: "gpu", writes: "frame" };
const gpuReads: Stage = { device: "gpu", reads: "frame" };
const displayReads: Stage = { device: "display", reads: "frame" };
const cpuReads: Stage = { cpu: true, reads: "frame" };
const cpuWrites: Stage = { cpu: true, writes: "frame" };
const unbracketed: Stage = { cpu: true, writes: "frame", brackets: false };

/** Codes of what is wrong, each once. */
const wrong = ({ findings }: RunReport): string[] => [
  ...new Set(findings.filter(({ severity }) => severity === "error").map(({ code }) => code)),
];
const stale = ({ findings }: RunReport) => findings.find(({ code }) => code === "stale-read");

describe("with an LLC", () => {
  test("the GPU writes, the CPU reads: nobody maintains anything", () => {
    const report = run(withLlc, [gpuWrites, cpuReads]);
    expect(report.verdict).toBe("coherent");
    expect(report.maintenance.performed.ops).toBe(0);
  });

  test("the CPU writes without brackets, the display reads: stale from each buffer's second frame on", () => {
    const report = run(withLlc, [unbracketed, displayReads]);
    expect(wrong(report)).toEqual(["stale-read"]);
    expect(stale(report)).toMatchObject({ buffer: "frame", frame: 2 });
    expect(report.maintenance.performed.ops).toBe(2);
  });

  test("with brackets it is coherent, by one flush a frame, at the flip", () => {
    const report = run(withLlc, [cpuWrites, displayReads]);
    expect(report.verdict).toBe("coherent");
    expect(report.maintenance.performed.ops).toBe(6);
  });

  test("a front buffer that stays pinned is stale despite brackets", () => {
    const report = run(withLlc, [cpuWrites, { ...displayReads, pin: "once" }], { count: 1 });
    expect(wrong(report)).toEqual(["stale-read"]);
    expect(report.maintenance.performed.ops).toBe(1);
  });

  test.each(["llc", "none"])("the GPU writes %s, the display reads: pinning makes it coherent", (cache) => {
    expect(run(withLlc, [gpuWrites, displayReads], { cache }).verdict).toBe("coherent");
  });

  test("a driver that does not pin leaves the GPU's writes in the LLC", () => {
    const forgets: Stage = { ...displayReads, pin: false };
    expect(wrong(run(withLlc, [gpuWrites, forgets], { cache: "llc" }))).toEqual(["stale-read"]);
    expect(run(withLlc, [gpuWrites, forgets], { cache: "none" }).verdict).toBe("coherent");
  });
});

describe("without an LLC", () => {
  test("the CPU writes without brackets, the GPU reads past the caches: stale from the second use on", () => {
    const report = run(withoutLlc, [unbracketed, gpuReads], { cache: "none" });
    expect(wrong(report)).toEqual(["stale-read"]);
    expect(stale(report)).toMatchObject({ frame: 2 });
  });

  test("with brackets, or snooping, it is coherent", () => {
    expect(run(withoutLlc, [cpuWrites, gpuReads], { cache: "none" }).verdict).toBe("coherent");
    const snooped = run(withoutLlc, [cpuWrites, gpuReads], { cache: "snooped" });
    expect(snooped.verdict).toBe("coherent");
    expect(snooped.maintenance.performed.ops).toBe(0);
    expect(run(withoutLlc, [unbracketed, gpuReads], { cache: "snooped" }).verdict).toBe("coherent");
  });

  test("the GPU writes past the caches, the CPU reads: brackets drop what it has of the frame before", () => {
    expect(run(withoutLlc, [gpuWrites, cpuReads], { cache: "none" }).verdict).toBe("coherent");
    const report = run(withoutLlc, [gpuWrites, { ...cpuReads, brackets: false } as Stage], { cache: "none" });
    expect(wrong(report)).toEqual(["stale-read"]);
  });

  test("what flushes a camera's snooping writes does so for nothing", () => {
    const report = run(withoutLlc, [{ device: "camera", writes: "frame" }, gpuReads, cpuReads], { cache: "none" });
    expect(report.verdict).toBe("coherent");
    console.log(report.maintenance, report.findings.map((f) => [f.code, f.message, f.count]));
  });
});
