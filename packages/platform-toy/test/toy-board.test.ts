// SPDX-License-Identifier: MIT
import "@dmabuf/core/vitest";
import { assemble, type Pipeline, type Platform } from "@dmabuf/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { coherent, coherentBoard, noncoherent, noncoherentBoard } from "../src/index.ts";

const passOn = (exporter: string): Pipeline => ({
  buffers: { frames: { size: "64KiB", count: 2 } },
  stages: [
    { device: "a", writes: "frames" },
    { name: "look", cpu: true, reads: "frames" },
    { name: "touch up", cpu: true, writes: "frames", bytes: [4096, 8192] },
    { device: "b", reads: "frames" },
  ],
  exporter,
  frames: 6,
});

test("both boards have devices a, b and c, of one kind each", () => {
  expect(Object.values(coherentBoard.devices).map((device) => device.coherent)).toEqual([true, true, true]);
  expect(Object.values(noncoherentBoard.devices).map((device) => device.coherent)).toEqual([
    false,
    false,
    false,
  ]);
});

test("where everything is coherent, no maintenance is done or owed", () => {
  for (const exporter of coherent().exporterNames) {
    const report = coherent().run(passOn(exporter));
    expect(report).toBeCoherent();
    expect(report.maintenance.required?.ops).toBe(0);
    expect(report.maintenance.performed.ops === 0 || exporter === "udmabuf").toBe(true);
  }
});

test("CPU stages after a device: nothing is found on the coherent board, a missing-bracket warning at most", () => {
  for (const cpu of [{}, { wait: "ioctl" as const }, { brackets: false }]) {
    for (const exporter of coherent().exporterNames) {
      const report = coherent().run({
        buffers: { samples: { size: "1MiB", count: 4 } },
        stages: [
          { device: "a", writes: "samples" },
          { name: "inspect", cpu: true, reads: "samples", ...cpu },
        ],
        exporter,
        frames: 20,
      });
      expect(report).toBeCoherent();
      const codes = report.findings.filter(({ severity }) => severity !== "note").map(({ code }) => code);
      expect(codes).toEqual("brackets" in cpu ? ["missing-bracket"] : []);
    }
  }
});

test("udmabuf's bracket throws data away that a port has left in the CPU's cache", () => {
  // The bracket syncs udmabuf's own device, which is not coherent on arm64, so it invalidates lines that a coherent
  // device has just written into the cache.
  const devices = { a: { class: "dma", coherent: true, port: "snoop-allocate" } } as const;
  const platform = assemble({ ...coherentBoard, devices }, coherent().plugins);
  const report = platform.run({
    buffers: { x: { size: 4096 } },
    stages: [
      { device: "a", writes: "x" },
      { cpu: true, reads: "x" },
    ],
    exporter: "udmabuf",
  });
  expect(report).toHaveFinding("lost-write", { stage: "cpu" });
  expect(report.findings.find(({ code }) => code === "lost-write")?.message).toContain(
    "but the CPU invalidated the lines",
  );
});

test("where nothing is coherent, brackets make CPU access right", () => {
  const report = noncoherent().run(passOn("system"));
  expect(report).toBeCoherent();
  expect(report.maintenance.required?.ops).toBeGreaterThan(0);
});

test("whoever reads and writes on the coherent board, with or without brackets, nothing goes stale", () => {
  const device = fc.constantFrom("a", "b", "c");
  const stage = fc.oneof(
    fc.record({ device, kind: fc.constantFrom("reads", "writes"), cpu: fc.constant(false) }),
    fc.record({ device, kind: fc.constantFrom("reads", "writes"), cpu: fc.constant(true) }),
  );
  fc.assert(
    fc.property(fc.array(stage, { minLength: 1, maxLength: 5 }), (stages) => {
      const report = coherent().run({
        buffers: { x: { size: 8192 } },
        stages: stages.map(({ device: name, kind, cpu }, i) =>
          cpu
            ? { name: `s${i}`, cpu: true as const, brackets: false, [kind]: "x" }
            : { name: `s${i}`, device: name, [kind]: "x" },
        ),
        exporter: "system",
        frames: 2,
      });
      expect(report.verdict).toBe("coherent");
    }),
    { seed: 20261120, numRuns: 40 },
  );
});

test("udmabuf's bracket syncs its own device, and so works on the coherent board as well", () => {
  const platforms: Platform[] = [coherent(), noncoherent()];
  for (const platform of platforms) {
    const report = platform.run({
      buffers: { x: { size: 4096 } },
      stages: [
        { name: "fill", cpu: true, writes: "x" },
        { device: "a", reads: "x" },
      ],
      exporter: "udmabuf",
      frames: 3,
    });
    expect(report).toBeCoherent();
  }
});
