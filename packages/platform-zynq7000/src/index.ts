// SPDX-License-Identifier: MIT
// Zynq-7000 as a composition root.
export { zc702 } from "./zc702.ts";
export { type Zynq7000Options, zynq7000, zynq7000Plugins } from "./zynq7000.ts";
export { zynq7000Board, zynq7000Options } from "./zynq7000-board.ts";
