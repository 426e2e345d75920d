// SPDX-License-Identifier: MIT

/**
 * How the CPU caches what it reaches through a mapping: `write-back` uses its caches (x86 WB, Arm Normal cacheable),
 * `write-combining` gathers writes in a buffer of their own which somebody has to drain (x86 WC, Arm Normal
 * non-cacheable), `uncached` goes to memory access by access (x86 UC, Arm Device).
 */
export type MemoryType = "write-back" | "write-combining" | "uncached";

/** The memory types as trace fields number them. */
export const memoryTypes: readonly MemoryType[] = ["write-back", "write-combining", "uncached"];
