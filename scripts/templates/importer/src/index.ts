// SPDX-License-Identifier: MIT
// The template-name importer: `@dmabuf/importer-template-name`.
export { templateName } from "./template-name.ts";
