// SPDX-License-Identifier: MIT
// GEM handles and PRIME, for DRM drivers: `@dmabuf/core/drm`.
export { contiguousSize } from "./drm/contiguous-size.ts";
export { CountedGem } from "./drm/counted-gem.ts";
export { DrmDevice } from "./drm/drm-device.ts";
export { DrmFile, DrmFlag } from "./drm/drm-file.ts";
export type { GemDriver, GemObject } from "./drm/gem-object.ts";
export { importGem } from "./drm/import-gem.ts";
export { ImportedGem } from "./drm/imported-gem.ts";
export { Mutex } from "./drm/mutex.ts";
export { type ExportableGem, type ExportServices, exportedGem, exportGem } from "./drm/prime-buffer.ts";
