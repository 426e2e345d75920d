// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { assemble, board, InputError, type Pipeline } from "../../src/index.ts";
import { toyArch } from "../../src/testing/toy-arch.ts";
import { pagePlugin } from "../testing/page-exporter.ts";
import { typedExporter } from "../testing/typed-exporter.ts";

const platform = assemble(
  board({
    model: "abilities",
    memory: [{ base: 0, size: "16MiB" }],
    devices: { gpu: { class: "gpu", coherent: false } },
  }),
  [toyArch(), typedExporter(), pagePlugin()],
);
const lookAt = (change: object, cpu: object = {}): Pipeline => ({
  buffers: { frame: { size: 4096, cache: "llc" } },
  stages: [
    { device: "gpu", writes: "frame" },
    { cpu: true, reads: "frame", ...cpu },
  ],
  exporter: "typed",
  ...change,
});

test("what the exporter offers is accepted", () => {
  expect(platform.run(lookAt({}, { mmap: "uc" })).verdict).toBe("coherent");
});

test.each<[what: string, pipeline: Pipeline, line: string]>([
  [
    "a cache level that the exporter does not have",
    lookAt({ buffers: { frame: { size: 4096, cache: "lcc" } } }),
    `a.yaml: buffers.frame.cache: "lcc" is no cache level of the exporter "typed", which has none, llc`,
  ],
  [
    "a cache level where there is none",
    lookAt({ exporter: "page" }),
    `a.yaml: buffers.frame.cache: the exporter "page" has no cache levels to choose from`,
  ],
  [
    "a way of mapping that the exporter does not have",
    lookAt({}, { mmap: "gtt" }),
    `a.yaml: stages[1].mmap: "gtt" is no mmap type of the exporter "typed", which has wb, wc, uc`,
  ],
  [
    "a pin of what is no display",
    lookAt({ stages: [{ device: "gpu", reads: "frame", pin: false }] }),
    "a.yaml: stages[0].pin: gpu scans nothing out; only a display pins",
  ],
])("%s", (_what, pipeline, line) => {
  const run = () => platform.run(pipeline, {}, "a.yaml");
  expect(run).toThrow(InputError);
  expect(run).toThrow(line);
});

test("mmap of a type that the exporter does not have is EINVAL", () => {
  const refuse = (exporter: string): void =>
    platform.simulate(function* (system) {
      using buffer = yield* system.exporter(exporter).allocate(4096);
      buffer.mmap("gtt");
    });
  expect(() => refuse("typed")).toThrow("EINVAL");
  expect(() => refuse("typed")).toThrow("as wb, wc, uc");
  expect(() => refuse("page")).toThrow("in one way");
});
