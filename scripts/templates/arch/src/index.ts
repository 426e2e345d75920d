// SPDX-License-Identifier: MIT
// The template-name architecture: `@dmabuf/arch-template-name`.
export { templateName } from "./template-name.ts";
