// SPDX-License-Identifier: MIT
// The smmu IOMMU: `@dmabuf/iommu-smmu`.
export { smmu } from "./smmu.ts";
