// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { assemble, board, type Finding, type Pipeline } from "../../../src/index.ts";
import { toyArch } from "../../../src/testing/toy-arch.ts";
import { typedExporter } from "../../testing/typed-exporter.ts";

/** A board whose buffers can be mapped cached, write-combining and uncached. */
const platform = assemble(
  board({
    model: "write-combining",
    memory: [{ base: 0, size: "64MiB" }],
    devices: { gpu: { class: "gpu", coherent: false } },
  }),
  [toyArch(), typedExporter()],
);
const drawing = (cpu: object, rest: Partial<Pipeline> = {}): Pipeline => ({
  buffers: { frame: { size: 8192 } },
  stages: [
    { name: "draw", cpu: true, writes: "frame", brackets: false, ...cpu },
    { device: "gpu", reads: "frame" },
  ],
  exporter: "typed",
  frames: 3,
  ...rest,
});
const races = (pipeline: Pipeline): readonly Finding[] =>
  platform.run(pipeline).findings.filter(({ code }) => code === "race");

test("a write-combining write that is not drained before the doorbell is a race that names the barrier", () => {
  const [race, ...others] = races(drawing({ mmap: "wc", drains: false }));
  expect(others).toEqual([]);
  expect(race).toMatchObject({ stage: "gpu", buffer: "frame", range: [0, 8192], other: { stage: "draw" } });
  expect(race?.message).toContain("write-combining");
  expect(race?.fix[0]).toContain("wmb()");
});

test("one that is drained is none, and nothing is stale", () => {
  const report = platform.run(drawing({ mmap: "wc" }));
  expect(report.verdict).toBe("coherent");
});

test("an uncached write needs no drain", () => {
  expect(races(drawing({ mmap: "uc", drains: false }))).toEqual([]);
});

test("a drain does not make up for a missing fence", () => {
  const [race] = races(drawing({ mmap: "wc" }, { sync: "none" }));
  expect(race?.fix[0]).toContain("fence");
});
