// SPDX-License-Identifier: MIT
// Intel VT-d: `@dmabuf/iommu-vtd`.
export type { IgfxQuirk } from "./igfx-quirk.ts";
export { vtd } from "./vtd.ts";
export type { Omission, ReservedMemory, VtdOptions } from "./vtd-options.ts";
