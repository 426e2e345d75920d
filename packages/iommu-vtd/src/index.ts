// SPDX-License-Identifier: MIT
// The vtd IOMMU: `@dmabuf/iommu-vtd`.
export { vtd } from "./vtd.ts";
