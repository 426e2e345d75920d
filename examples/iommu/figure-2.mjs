// SPDX-License-Identifier: MIT
import { arm64 } from "@dmabuf/arch-arm";
import { assemble, board } from "@dmabuf/core";
import { heaps } from "@dmabuf/exporter-heaps";
import { drm } from "@dmabuf/importer-drm";
import { rockchipIommu } from "@dmabuf/iommu-device";

/**
 * CPU - caches - memory - I/O bus - IOMMU - display. The display wants a frame in one piece, of whatever addresses it is given.
 * @param {import("@dmabuf/iommu-device").RockchipOptions & { translated?: boolean }} options of the IOMMU; `translated: false` for
 *   the same display on a chip that has none (D27)
 */
export const figure2 = ({ translated = true, ...options } = {}) =>
  assemble(
    board({
      model: "figure 2",
      memory: [{ base: 0x4000_0000, size: "128MiB" }],
      pools: [{ kind: "cma", size: "32MiB" }],
      devices: {
        camera: { class: "camera", coherent: false },
        vop: {
          class: "display",
          coherent: false,
          maxSegmentSize: "4GiB",
          addressBits: 32,
          ...(translated ? { iommu: { unit: "vop_mmu", ids: [0] } } : {}),
        },
      },
    }),
    [arm64(), heaps(), drm("vop", { contiguous: true }), rockchipIommu("vop_mmu", options)],
  );

/** The board with its drivers: what `dmabuf run PIPELINE --board figure-2.mjs` loads. */
export default () => figure2();
