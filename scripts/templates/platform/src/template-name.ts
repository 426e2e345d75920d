// SPDX-License-Identifier: MIT
import { arm64 } from "@dmabuf/arch-arm";
import { assemble, type BoardDescription, board, type Platform } from "@dmabuf/core";
import { heaps } from "@dmabuf/exporter-heaps";

/** The board: what Linux is told, and where the facts come from. */
export const templateNameBoard: BoardDescription = board({
  model: "template-name",
  memory: [{ base: 0, size: "1GiB" }],
  pools: [{ kind: "cma", size: "64MiB" }],
  devices: {
    camera: { class: "camera", coherent: false },
    display: { class: "display", coherent: false },
  },
});

/** The template-name board with its plugins; exporters `system`, `cma` and `deferred`. */
export const templateName = (): Platform => assemble(templateNameBoard, [arm64(), heaps()]);

/** For `dmabuf run PIPELINE --board MODULE`. */
export default templateName;
