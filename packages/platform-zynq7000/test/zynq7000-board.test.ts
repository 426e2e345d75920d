// SPDX-License-Identifier: MIT
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { overlaid } from "@dmabuf/core";
import { describeMachine, type MachineFacts, readDeviceTree } from "@dmabuf/devicetree";
import { beforeEach, describe, expect, test } from "vitest";
import { zc702, zynq7000, zynq7000Board, zynq7000Options } from "../src/index.ts";

const { DMABUF_SAMPLES: samples } = process.env;
if (samples === undefined) console.log("DMABUF_SAMPLES is not set: the test on the real ZC702 is skipped");

const machine = (change: Partial<MachineFacts> = {}): MachineFacts => ({
  model: null,
  compatible: ["xlnx,zynq-7000"],
  architecture: "arm",
  cpus: [],
  cacheLine: null,
  outerCache: null,
  masters: [
    {
      path: "/axi/usb@e0002000",
      class: "usb",
      compatible: ["xlnx,zynq-usb-2.20a"],
      base: 0xe000_2000,
      coherent: false,
      coherentFrom: null,
      iommus: [],
      translated: false,
      windows: null,
      limit: null,
      offset: 0,
      memoryRegions: [],
      restrictedTo: null,
    },
  ],
  iommus: [],
  pools: [],
  ram: [],
  reserved: [],
  assumed: [],
  ...change,
});

test("masters have the manual's names, 32 bits, and no coherency of their own", () => {
  const { devices, memory, model } = zynq7000Board(machine());
  expect(devices).toEqual({
    usb0: { class: "usb", coherent: false, port: "direct", limit: 2 ** 32, bandwidth: "40MiB" },
  });
  expect([model, memory]).toEqual(["Zynq-7000", [{ base: 0, size: "1GiB" }]]);
});

test("the outer cache is maintained where the tree has it", () => {
  const outerCache = { path: "/l2", compatible: ["arm,pl310-cache"], ioCoherent: false };
  expect(zynq7000Options(machine())).toEqual({ outerCache: false });
  expect(zynq7000Options(machine({ outerCache }))).toEqual({ outerCache: true });
  const domains = (options: { outerCache: boolean }): string[] => {
    using system = zynq7000(zc702, options).boot();
    return system.analysis.topology.domains.map(({ name }) => name);
  };
  expect(domains({ outerCache: true })).toEqual(["cpu", "l2"]);
  expect(domains({ outerCache: false })).toEqual(["cpu"]);
});

test("USB controllers get FunctionFS, converters IIO by the first letters of their name", () => {
  const names = zynq7000().plugins.map(({ name, provides }) => [
    name,
    ...Object.keys(provides.importers ?? {}),
  ]);
  expect(names).toContainEqual(["@dmabuf/importer-functionfs", "usb0"]);
  expect(names).toContainEqual(["@dmabuf/importer-iio", "adc-acp"]);
  expect(names).toContainEqual(["@dmabuf/importer-iio", "dac-hp0"]);
  expect(names.flat()).not.toContain("dmac");
});

describe("the real ZC702", () => {
  beforeEach(({ skip }) => {
    skip(samples === undefined, "DMABUF_SAMPLES is not set");
  });

  const facts = (): MachineFacts =>
    describeMachine(
      readDeviceTree(readFileSync(join(samples as string, "dtb/zynq-zc702.dtb")), "zynq-zc702.dtb"),
    );

  test("has the masters of the built-in board that are not in the fabric", () => {
    const { devices, memory } = zynq7000Board(facts());
    expect(Object.keys(devices).sort()).toEqual(["dmac", "gem0", "sd0", "usb0"]);
    expect(memory).toEqual([{ base: 0, size: 2 ** 30 }]);
    for (const [name, device] of Object.entries(devices)) expect(device).toEqual(zc702.devices[name]);
    expect(zynq7000Options(facts())).toEqual({ outerCache: true });
  });

  test("runs with its fabric laid over", () => {
    const description = overlaid(zynq7000Board(facts()), {
      devices: { "dac-acp": { class: "dma", coherent: true, port: "snoop" } },
    });
    const { verdict, findings } = zynq7000(description, zynq7000Options(facts())).run({
      buffers: { samples: { size: "64KiB" } },
      stages: [
        { device: "usb0", writes: "samples" },
        { device: "dac-acp", reads: "samples" },
      ],
      exporter: "system",
    });
    expect([verdict, findings[0]?.code]).toEqual(["incoherent", "stale-read"]);
  });
});
