// SPDX-License-Identifier: MIT
// The template-name platform: `@dmabuf/platform-template-name`.
export { default, templateName, templateNameBoard } from "./template-name.ts";
