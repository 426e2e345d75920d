// SPDX-License-Identifier: MIT
// The template-name exporter: `@dmabuf/exporter-template-name`.
export { templateName } from "./template-name.ts";
