// SPDX-License-Identifier: MIT
import { arm64 } from "@dmabuf/arch-arm";
import { assemble, board } from "@dmabuf/core";
import { heaps } from "@dmabuf/exporter-heaps";
import { gpuMmu, mmuIommu } from "@dmabuf/iommu-device";

/** The GPU of only-mmu.mjs on a platform that has put the DMA API on its MMU: what `--board only-mmu-dma-api.mjs` loads. */
export default () =>
  assemble(
    board({
      model: "a GPU whose only MMU is the DMA API's",
      memory: [{ base: 0x4000_0000, size: "128MiB" }],
      devices: {
        camera: { class: "camera", coherent: false },
        gpu: { class: "gpu", coherent: false, iommu: { unit: "gpu_mmu", ids: [0] } },
      },
    }),
    [arm64(), heaps(), mmuIommu("gpu_mmu", { mmu: gpuMmu() })],
  );
