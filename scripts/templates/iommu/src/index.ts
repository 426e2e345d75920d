// SPDX-License-Identifier: MIT
// The template-name IOMMU: `@dmabuf/iommu-template-name`.
export { TEMPLATE_NAME, type TemplateName, templateName } from "./template-name.ts";
