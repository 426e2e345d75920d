// SPDX-License-Identifier: MIT
import type { WholeCacheCost } from "@dmabuf/core";

/** ns for a line of the last-level cache: an assumption, that of a dirty line on its way to memory. */
const LINE_COST = 10;
/** ns until every other CPU has taken the interrupt that tells it to flush, and has said that it is done: an assumption. */
const IPI_COST = 5000;

/**
 * What `WBINVD` on all CPUs comes to, which has to walk the whole cache, whatever is in it: an assumption in proportion to its
 * size, 1.3 ms for 8 MiB. No CPU takes an interrupt meanwhile; Intel's manual promises no bound ("will vary due to size
 * and other factors"). That it beats `CLFLUSH` line by line for buffers above about a fifth of the cache rests on this
 * estimate, not on a measurement.
 *
 * @param size bytes of the last-level cache
 * @param line bytes of a line
 * @see wbinvd_on_all_cpus
 */
export const wholeCacheCost = (size: number, line: number): WholeCacheCost => ({
  bytes: size,
  ns: (size / line) * LINE_COST + IPI_COST,
});
