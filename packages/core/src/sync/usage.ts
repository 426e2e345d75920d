// SPDX-License-Identifier: MIT

/**
 * What a fence in a reservation object stands for, strongest first: memory management, which everybody
 * waits for; an implicit write; an implicit read; and work that implicit synchronisation ignores. Asking for a usage gives
 * the fences of this usage and of all before it. @see enum dma_resv_usage
 */
export type Usage = "kernel" | "write" | "read" | "bookkeep";

/** The usages in the kernel's order, strongest first. */
export const usages: readonly Usage[] = ["kernel", "write", "read", "bookkeep"];

/**
 * The fences that an access must wait for: a writer for readers and writers, a reader for writers. It is not the
 * usage to publish one's own fence with. @see dma_resv_usage_rw
 */
export const usageRw = (write: boolean): Usage => (write ? "read" : "write");
