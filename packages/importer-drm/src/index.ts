// SPDX-License-Identifier: MIT
// DRM devices, which render from dma-bufs or scan them out: `@dmabuf/importer-drm`.
export { type DrmOptions, drm } from "./drm.ts";
export { DrmCard, type DumbBuffer, type DumbRequest } from "./drm-card.ts";
export { DumbGem } from "./dumb-gem.ts";
