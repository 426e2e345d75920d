// SPDX-License-Identifier: MIT
// The x86 architecture: `@dmabuf/arch-x86`.
export { type FlushCost, flushCost } from "./flush-cost.ts";
export { wholeCacheCost } from "./whole-cache-cost.ts";
export { type X86Options, x86 } from "./x86.ts";
