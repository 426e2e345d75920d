// SPDX-License-Identifier: MIT
// The Arm architectures: `@dmabuf/arch-arm`.
export { type Arm64Options, arm64 } from "./arm64.ts";
export { cortexA53LineCost, type LineCost } from "./line-cost.ts";
