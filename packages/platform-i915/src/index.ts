// SPDX-License-Identifier: MIT
// Intel machines with an i915 GPU, as a composition root.
export { baytrail } from "./baytrail.ts";
export { broxton } from "./broxton.ts";
export type { DmarUnits, VtdChoice } from "./dmar-units.ts";
export { type AssembleOptions, i915, i915Plugins, type MachineName, machines } from "./i915.ts";
export type { I915Machine } from "./i915-machine.ts";
export { meteorlake } from "./meteorlake.ts";
export { skylake } from "./skylake.ts";
