// SPDX-License-Identifier: MIT
import { arm64 } from "@dmabuf/arch-arm";
import { assemble, board } from "@dmabuf/core";
import { heaps } from "@dmabuf/exporter-heaps";
import { gpu, gpuMmu } from "@dmabuf/iommu-device";

/** A GPU whose own MMU is the only one there is, and belongs to its driver: what `dmabuf run PIPELINE --board only-mmu.mjs` loads. */
export default () =>
  assemble(
    board({
      model: "a GPU with the only MMU",
      memory: [{ base: 0x4000_0000, size: "128MiB" }],
      devices: {
        camera: { class: "camera", coherent: false },
        gpu: { class: "gpu", coherent: false },
      },
    }),
    [arm64(), heaps(), gpu("gpu", { mmu: gpuMmu() })],
  );
