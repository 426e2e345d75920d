// SPDX-License-Identifier: MIT

/**
 * How the CPU caches what it reaches through a mapping: `write-back` uses its caches (WB, Normal cacheable),
 * `write-combining` gathers writes in a buffer of their own which somebody has to drain (WC, Normal non-cacheable),
 * `uncached` goes to memory access by access (UC, Device). @see pgprot_t, pgprot_writecombine, pgprot_noncached
 */
export type MemoryType = "write-back" | "write-combining" | "uncached";

/** The memory types as trace fields number them. */
export const memoryTypes: readonly MemoryType[] = ["write-back", "write-combining", "uncached"];
