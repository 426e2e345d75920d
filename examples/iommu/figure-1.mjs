// SPDX-License-Identifier: MIT
import { arm64 } from "@dmabuf/arch-arm";
import { assemble, board } from "@dmabuf/core";
import { heaps } from "@dmabuf/exporter-heaps";
import { gpu, gpuMmu } from "@dmabuf/iommu-device";
import { smmuV3 } from "@dmabuf/iommu-smmu";

/**
 * @typedef {object} Figure1
 * @property {import("@dmabuf/iommu-device").MmuFactory} [mmu] the MMU inside of the GPU
 * @property {import("@dmabuf/iommu-smmu").SmmuV3Options} [smmu] the SMMU on the bus
 * @property {"strict" | "identity"} [domain] whether the SMMU translates for the GPU; default yes
 */

/**
 * CPU - caches - memory - SMMUv3 - I/O bus - GPU with its MMU. The I/O bus shows the first GiB of memory, which begins at 2 GiB,
 * from address 0 on, and has no address above.
 * @param {Figure1} options
 */
export const figure1 = ({ mmu = gpuMmu(), smmu = {}, domain = "strict" } = {}) =>
  assemble(
    board({
      model: "figure 1",
      memory: [{ base: 0x8000_0000, size: "256MiB" }],
      devices: {
        camera: { class: "camera", coherent: false, iommu: { unit: "smmu0", ids: [0x20] } },
        gpu: {
          class: "gpu",
          coherent: false,
          windows: [{ cpu: 0x8000_0000, bus: 0, size: "1GiB" }],
          iommu: { unit: "smmu0", ids: [0x10], domain },
        },
        display: { class: "display", coherent: false, iommu: { unit: "smmu0", ids: [0x30] } },
      },
    }),
    [arm64(), heaps(), smmuV3("smmu0", smmu), gpu("gpu", { mmu })],
  );

/** The board with its drivers: what `dmabuf run PIPELINE --board figure-1.mjs` loads. */
export default () => figure1();
