// SPDX-License-Identifier: MIT
import { assemble, board, type Pipeline, type Platform, type RunReport } from "@dmabuf/core";
import { toyArch } from "@dmabuf/core/testing";
import { type I915Options, i915 } from "../src/index.ts";

/** A GPU that shares the last-level cache, as in Skylake. */
export const withLlc: I915Options = { llc: true, levels: { none: "snoop", llc: "snoop-allocate" } };

/** A GPU that goes past the caches unless it is told to snoop, as in Bay Trail. */
export const withoutLlc: I915Options = { llc: false, levels: { none: "direct", snooped: "snoop" } };

/** A card with memory of its own that snoops whatever the level, as DG1. */
export const card: I915Options = {
  llc: false,
  levels: { none: "snoop" },
  discrete: true,
  localMemory: "vram",
  aperture: 0,
};

/** Both of the driver's devices, and a camera of somebody else's whose writes snoop. */
const machine = board({
  model: "a machine with i915 graphics",
  memory: [{ base: 0, size: "64MiB" }],
  pools: [
    { kind: "carve-out", name: "stolen", base: 0x800_0000, size: "1MiB" },
    { kind: "carve-out", name: "vram", base: 0x1000_0000, size: "16MiB" },
  ],
  devices: {
    gpu: { class: "gpu", coherent: true },
    display: { class: "display", coherent: true, port: "direct" },
    camera: { class: "camera", coherent: true, port: "snoop" },
  },
});

/** The machine with its graphics behind an IOMMU. */
const translated = board({
  ...machine,
  devices: {
    ...machine.devices,
    gpu: { class: "gpu", coherent: true, iommu: "strict" },
    display: { class: "display", coherent: true, port: "direct", iommu: "strict" },
  },
});

/** A platform of the machine. */
export const platformOf = (options: I915Options, behindIommu = false): Platform =>
  assemble(behindIommu ? translated : machine, [toyArch(), i915({ stolen: "stolen", ...options })]);

/** Runs a pipeline of six frames through two small buffers. */
export const run = (
  options: I915Options,
  stages: Pipeline["stages"],
  more: Partial<Pipeline> & { readonly cache?: string; readonly count?: number } = {},
): RunReport => {
  const { cache, count = 2, ...rest } = more;
  const buffers = { frame: { size: "16KiB", count, ...(cache === undefined ? {} : { cache }) } };
  return platformOf(options).run({ buffers, stages, exporter: "i915", frames: 6, ...rest });
};
