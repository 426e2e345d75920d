// SPDX-License-Identifier: MIT
import type { RunReport, Stage } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { foreignBuffer } from "./foreign.ts";
import { platformOf, run, withLlc, withoutLlc } from "./machine.ts";

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
const needless = ({ findings }: Pick<RunReport, "findings">) =>
  findings
    .filter(({ code }) => code === "needless-maintenance")
    .map(({ message, count }) => [message.replace(/ changes nothing.*/, ""), count]);
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
    expect(report.findings).toEqual([]);
  });

  test("and each of them is asked for by the flip, not by the end of CPU access", () => {
    const { system } = platformOf(withLlc).judge({
      buffers: { frame: { size: "16KiB", count: 2 } },
      stages: [cpuWrites, displayReads],
      exporter: "i915",
      frames: 6,
    });
    const { trace } = system.simulation;
    const flushes = [...trace.events()].filter(({ point }) => point.name === "i915_gem_object_clflush");
    expect(flushes.map(({ timelineName }) => timelineName)).toEqual(Array(6).fill("display"));
    const done = [...trace.events()].filter(({ point }) => point.name === "cache_maintenance");
    expect(done.map(({ cause }) => trace.at(cause)?.point.name)).toEqual(
      Array(6).fill("i915_gem_object_clflush"),
    );
    system[Symbol.dispose]();
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

  test("a camera's snooping writes need no flush: the one that acquires the pages is for nothing", () => {
    const camera: Stage = { device: "camera", writes: "frame" };
    const report = run(withoutLlc, [camera, gpuReads, cpuReads], { cache: "none" });
    expect(report.verdict).toBe("coherent");
    expect(report.maintenance.performed.ops).toBe(2);
    expect(needless(report)).toEqual([["flush by i915_gem_object_set_pages", 2]]);
  });

  test("who only looks, in brackets for writing, has it flushed for nothing each time", () => {
    const { findings } = platformOf(withoutLlc).inspect(function* (system) {
      using buffer = yield* system.exporter("i915").allocate(4096, { cache: "none" });
      using user = buffer.mmap();
      const camera = yield* system.importer("camera").attach(buffer, "from-device");
      const gpu = yield* system.importer("gpu").attach(buffer, "to-device");
      for (let frame = 0; frame < 4; frame++) {
        (yield* camera.transfer("write")).put();
        (yield* gpu.transfer("read")).put();
        yield* buffer.beginCpuAccess("bidirectional");
        yield* user.read();
        yield* buffer.endCpuAccess("bidirectional");
      }
      yield* gpu.detach();
      yield* camera.detach();
    });
    expect(needless({ findings })).toEqual([
      ["flush by i915_gem_object_set_pages", 1],
      ["flush by i915_gem_object_clflush", 4],
    ]);
  });

  test("each buffer of somebody else's has everything flushed, which a camera's writes do not need", () => {
    const { findings } = platformOf(withoutLlc).inspect(function* (system) {
      using buffer = foreignBuffer(system);
      const camera = yield* system.importer("camera").attach(buffer, "from-device");
      (yield* camera.transfer("write")).put();
      for (let frame = 0; frame < 3; frame++) {
        const gpu = yield* system.importer("gpu").attach(buffer, "to-device");
        (yield* gpu.transfer("read")).put();
        yield* gpu.detach();
      }
      yield* camera.detach();
    });
    expect(needless({ findings })).toEqual([["flush by i915_gem_object_get_pages_dmabuf of gpu", 3]]);
  });
});

describe("the aperture", () => {
  const drawn: Stage = { cpu: true, writes: "frame", mmap: "gtt" };
  test.each([
    ["llc", withLlc],
    ["none", withLlc],
    ["none", withoutLlc],
    ["snooped", withoutLlc],
  ] as const)("shows the CPU what the GPU sees, %s: %#", (cache, options) => {
    expect(run(options, [drawn, gpuReads], { cache }).verdict).toBe("coherent");
    expect(run(options, [gpuWrites, { ...cpuReads, mmap: "gtt" } as Stage], { cache }).verdict).toBe(
      "coherent",
    );
    expect(run(options, [drawn, displayReads], { cache }).verdict).toBe("coherent");
  });

  test("without a drain what was written there may come late", () => {
    const late: Stage = { ...drawn, drains: false, brackets: false } as Stage;
    expect(wrong(run(withoutLlc, [late, displayReads], { cache: "none" }))).toEqual(["race"]);
    // The job drains as well, on the thread that submits it, which is not the one that has drawn.
    expect(wrong(run(withoutLlc, [late, gpuReads], { cache: "none" }))).toEqual(["race"]);
  });
});
