// SPDX-License-Identifier: MIT

/**
 * Through which cache an object was last used: `cpu` the CPU's, `render` the GPU's, `gtt` none, through the aperture or as
 * good as it, `wc` none, through a write-combining mapping (N-3). @see I915_GEM_DOMAIN_CPU
 */
export type GemDomain = "cpu" | "render" | "gtt" | "wc";

const gemDomains: readonly GemDomain[] = ["cpu", "render", "gtt", "wc"];

/** All domains but one. */
export const allBut = (one: GemDomain): readonly GemDomain[] => gemDomains.filter((domain) => domain !== one);
