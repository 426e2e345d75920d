// SPDX-License-Identifier: MIT
// The i915 driver: `@dmabuf/exporter-i915`.
export type { CacheLevel, LevelPorts } from "./cache-level.ts";
export type { I915Options } from "./i915-options.ts";
