// SPDX-License-Identifier: MIT
// The Arm architectures: `@dmabuf/arch-arm`.
export { type Arm64Options, arm64 } from "./arm64.ts";
export { type Armv5Options, armv5 } from "./armv5.ts";
export { type Armv7Options, armv7 } from "./armv7.ts";
export type { CacheTags } from "./cache-colour.ts";
export {
  arm926LineCost,
  cortexA9LineCost,
  cortexA53LineCost,
  type LineCost,
  pl310LineCost,
} from "./line-cost.ts";
export { type OuterCache, type Pl310Options, pl310 } from "./pl310.ts";
