// SPDX-License-Identifier: MIT
import { arm64 } from "@dmabuf/arch-arm";
import { assemble, board } from "@dmabuf/core";
import { heaps } from "@dmabuf/exporter-heaps";

/**
 * A board whose devices ask for something: a display that needs memory in one piece, a camera that moves a page at a time, a
 * codec with a list of 64 entries; a carve-out, and protected memory for which codec and display are trusted.
 */
export const tablet = board({
  model: "Tablet",
  memory: [{ base: 0x0, size: "1GiB" }],
  pools: [
    { kind: "cma", size: "64MiB" },
    { kind: "carve-out", name: "frames", base: 0x7000_0000, size: "32MiB" },
    { kind: "protected", name: "video", base: 0x7800_0000, size: "32MiB", trustId: "video-path" },
  ],
  devices: {
    camera: { class: "camera", coherent: false, maxSegmentSize: "4KiB" },
    gpu: { class: "gpu", coherent: false },
    codec: { class: "codec", coherent: false, maxSegmentCount: 64, trustId: "video-path" },
    display: { class: "display", coherent: false, contiguous: true, trustId: "video-path" },
  },
});

/** The board with its drivers: what `dmabuf run PIPELINE --board tablet.mjs` loads. */
export default () => assemble(tablet, [arm64(), heaps()]);
