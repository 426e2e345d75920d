// SPDX-License-Identifier: MIT
// The template-name IOMMU: `@dmabuf/iommu-template-name`.
export { templateName } from "./template-name.ts";
