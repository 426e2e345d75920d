// SPDX-License-Identifier: MIT
import { arm64 } from "@dmabuf/arch-arm";
import { assemble, board } from "@dmabuf/core";
import { heaps } from "@dmabuf/exporter-heaps";
import { smmuV3 } from "@dmabuf/iommu-smmu";

/**
 * CPU - caches - memory - SMMUv3 - I/O bus - GPU, camera and display. The GPU has no MMU of its own; its jobs carry a SubstreamID, one
 * a process, and the SMMU has a context for each.
 * @param {import("@dmabuf/iommu-smmu").SmmuV3Options} options
 */
export const figure3 = (options = {}) =>
  assemble(
    board({
      model: "figure 3",
      memory: [{ base: 0x4000_0000, size: "128MiB" }],
      devices: {
        camera: { class: "camera", coherent: false, iommu: { unit: "smmu0", ids: [0x20] } },
        gpu: { class: "gpu", coherent: false, iommu: { unit: "smmu0", ids: [0x10] } },
        display: { class: "display", coherent: false, iommu: { unit: "smmu0", ids: [0x30] } },
      },
    }),
    [arm64(), heaps(), smmuV3("smmu0", { substreamBits: 4, ...options })],
  );

/** The board with its drivers: what `dmabuf run PIPELINE --board figure-3.mjs` loads. */
export default () => figure3();
