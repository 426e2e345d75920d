// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { InputError, type Pipeline } from "../../src/index.ts";
import { planPipeline } from "../../src/platform/pipeline.ts";

const names = { devices: ["usb0", "dac"], exporters: ["system"] };
const plan = (change: object, place?: string) =>
  planPipeline(
    {
      buffers: { b: { size: 4096 } },
      stages: [{ device: "usb0", writes: "b" }],
      exporter: "system",
      ...change,
    } as Pipeline,
    names,
    place,
  );

test("defaults: one frame, one buffer, the device's name, all of the buffer", () => {
  const planned = plan({});
  expect(planned.frames).toBe(1);
  expect(planned.buffers.get("b")).toEqual({ size: 4096, picture: null, count: 1, cache: null });
  expect(planned.stages).toEqual([
    {
      name: "usb0",
      device: "usb0",
      reads: null,
      writes: "b",
      bytes: null,
      waits: true,
      brackets: false,
      polls: false,
      pin: null,
      mmap: null,
      drains: true,
    },
  ]);
});

test.each([
  [true, "flip"],
  ["once", "once"],
  [false, "never"],
] as const)("pin: %s", (pin, planned) => {
  expect(plan({ stages: [{ device: "usb0", reads: "b", pin }] }).stages[0]).toMatchObject({ pin: planned });
});

test("a CPU stage polls and opens its brackets unless told otherwise", () => {
  const [stage] = plan({ stages: [{ cpu: true, reads: "b" }] }).stages;
  expect(stage).toMatchObject({ name: "cpu", device: null, brackets: true, polls: true });
  const [other] = plan({ stages: [{ cpu: true, reads: "b", brackets: false, wait: "ioctl" }] }).stages;
  expect(other).toMatchObject({ brackets: false, polls: false });
});

test("NV12 takes one and a half bytes a pixel, rounded up to a page", () => {
  const size = (width: number, height: number): number | undefined =>
    plan({ buffers: { b: { format: "NV12", width, height } } }).buffers.get("b")?.size;
  expect(size(3840, 2160)).toBe(12_443_648);
  expect(size(64, 64)).toBe(8192);
});

test.each<[what: string, change: object, line: string]>([
  ["no buffers", { buffers: {} }, "buffers: a pipeline needs a buffer"],
  ["no stages", { stages: [] }, "stages: a pipeline needs a stage"],
  ["no frames", { frames: 0 }, "frames: 0 is not a whole number from 1 to 1000000"],
  [
    "half a buffer",
    { buffers: { b: { size: 4096, count: 0.5 } } },
    "buffers.b.count: 0.5 is not a whole number from 1 to 1024",
  ],
  [
    "an empty buffer",
    { buffers: { b: { size: 0 } } },
    "buffers.b.size: 0 bytes; a buffer has 1 byte to 64 GiB",
  ],
  [
    "an odd picture",
    { buffers: { b: { format: "NV12", width: 3, height: 2 } } },
    "buffers.b.width: 3 is not an even number from 2 to 65536, as NV12 needs",
  ],
  [
    "a pin that is no choice",
    { stages: [{ device: "usb0", reads: "b", pin: "twice" }] },
    `stages[0].pin: "twice" is none of true, "once" and false`,
  ],
  [
    "an idle stage",
    { stages: [{ device: "usb0" }] },
    `stages[0]: stage "usb0" neither reads nor writes a buffer`,
  ],
  [
    "an unknown device",
    { stages: [{ device: "dca", reads: "b" }] },
    `stages[0].device: the board has no device "dca"; did you mean "dac"?`,
  ],
  [
    "an unknown buffer",
    { stages: [{ device: "dac", reads: "c" }] },
    `stages[0].reads: there is no buffer "c"; did you mean "b"?`,
  ],
  ["an unknown exporter", { exporter: "cma" }, `exporter: the platform has no exporter "cma"; known: system`],
  [
    "empty bytes",
    { stages: [{ device: "dac", reads: "b", bytes: [5, 5] }] },
    "stages[0].bytes: [5, 5) is not a part of a buffer of 4096 bytes",
  ],
])("%s is one line", (_what, change, line) => {
  expect(() => plan(change)).toThrow(InputError);
  expect(() => plan(change)).toThrow(line);
  expect(() => plan(change, "p.yaml")).toThrow(`p.yaml: ${line}`);
});
