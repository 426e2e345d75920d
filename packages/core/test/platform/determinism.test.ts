// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { assemble, coherencyChoices, definePlugin, type Pipeline, type Platform } from "../../src/index.ts";
import { toyArch, toyBoard } from "../../src/testing.ts";
import { OpenExporter } from "../buffer/buffer-bench.ts";

const open = definePlugin({
  name: "open",
  provides: {
    exporters: {
      open: ({ dmaBuf, dma }) => ({
        *allocate(size) {
          yield 0;
          return dmaBuf.export({ exporterName: "open", ops: new OpenExporter({ dma } as never), size });
        },
      }),
    },
  },
});

const platform: Platform = assemble(toyBoard, [toyArch(), open]);

/** Two devices that are not coherent, one that is, and the CPU, on one buffer, several frames at once. */
const pipeline: Pipeline = {
  buffers: { data: { size: 12288, count: 1 } },
  stages: [
    { device: "direct", writes: "data" },
    { device: "snooping", reads: "data", writes: "data" },
    { cpu: true, reads: "data", brackets: false },
    { device: "display", reads: "data" },
  ],
  exporter: "open",
  frames: 4,
};

test.each(coherencyChoices)("two boots give the same events, hazards and report: %s", (coherency) => {
  const [one, two] = [0, 1].map(() => {
    const { report, system } = platform.judge(pipeline, { coherency });
    const { trace } = system.simulation;
    const events = [...trace.events()].map(
      (event) => `${event.seq} ${event.time} ${event.timelineName} ${event.cause} ${event}`,
    );
    return { report, events, hazards: system.hazards };
  });
  expect(one?.events.length).toBeGreaterThan(10);
  expect(two).toEqual(one);
});

test("a machine with real bytes does not change what the run does", () => {
  const plain = platform.run(pipeline);
  expect(platform.run(pipeline, { data: 7 })).toEqual(plain);
  expect(platform.run(pipeline, { data: 8 })).toEqual(plain);
});
