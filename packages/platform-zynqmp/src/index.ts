// SPDX-License-Identifier: MIT
// Zynq UltraScale+ as a composition root.
export { type BoardChanges, overlaid } from "@dmabuf/core";
export { smmuOn } from "./smmu.ts";
export { zcu102 } from "./zcu102.ts";
export { zynqmp, zynqmpPlugins } from "./zynqmp.ts";
export { zynqmpBoard } from "./zynqmp-board.ts";
