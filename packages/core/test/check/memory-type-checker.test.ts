// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { assemble, board, type Finding, type Process, type System } from "../../src/index.ts";
import { toyArch } from "../../src/testing/toy-arch.ts";
import { typedExporter } from "../testing/typed-exporter.ts";

const platform = assemble(
  board({
    model: "memory types",
    memory: [{ base: 0, size: "16MiB" }],
    devices: { gpu: { class: "gpu", coherent: false } },
  }),
  [toyArch(), typedExporter()],
);
const aliases = (process: (system: System) => Process): readonly Finding[] =>
  platform.inspect(process).findings.filter(({ code }) => code === "memory-type-alias");

test("one page mapped write-back and write-combining at once", () => {
  const [finding, ...others] = aliases(function* (system) {
    using buffer = yield* system.exporter("typed").allocate(4096);
    using _cached = buffer.mmap("wb");
    using _combining = buffer.mmap("wc");
  });
  expect(others).toEqual([]);
  expect(finding).toMatchObject({ severity: "error", stage: "main", other: { stage: "main" } });
  expect(finding?.message).toContain("WC while main has it mapped WB");
});

test("the kernel's mapping counts, in either order", () => {
  const found = aliases(function* (system) {
    using buffer = yield* system.exporter("typed").allocate(4096);
    const kernel = yield* buffer.vmapUnlocked();
    using _combining = buffer.mmap("wc");
    yield* buffer.vunmapUnlocked(kernel);
    yield* buffer.vunmapUnlocked(yield* buffer.vmapUnlocked());
  });
  expect(found).toHaveLength(2);
});

test("one after the other, of one type, and of two buffers are fine", () => {
  const found = aliases(function* (system) {
    using buffer = yield* system.exporter("typed").allocate(4096);
    using other = yield* system.exporter("typed").allocate(4096);
    buffer.mmap("wb").unmap();
    using _first = buffer.mmap("wc");
    using _second = buffer.mmap("wc");
    using _cached = other.mmap("wb");
  });
  expect(found).toEqual([]);
});

test("a pipeline whose stages map a buffer differently", () => {
  const report = platform.run({
    buffers: { frame: { size: 4096 } },
    stages: [
      { name: "draw", cpu: true, writes: "frame", mmap: "wc" },
      { name: "look", cpu: true, reads: "frame", mmap: "wb" },
    ],
    exporter: "typed",
  });
  expect(report.findings.map(({ code }) => code)).toContain("memory-type-alias");
});
