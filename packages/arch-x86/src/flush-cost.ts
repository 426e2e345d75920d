// SPDX-License-Identifier: MIT

/** ns of CPU time for one line, by instruction. */
export interface FlushCost {
  /** `CLFLUSH`: one after the other. */
  readonly clflush: number;
  /** `CLFLUSHOPT`: several at a time. */
  readonly clflushopt: number;
  /** `CLWB`, which may leave the line where it is. */
  readonly clwb: number;
}

/**
 * What a line costs, for buffers of many lines:
 *
 * - `clflush`: about 50 ns, from a measurement that others published: on a machine with 20 MB of last-level cache each
 *   further 2 MiB of a buffer, 32768 lines, took 1.66 ms, cached or not (Stack Overflow, question 35900401). It is
 *   ordered with every other flush, so nothing hides that time.
 * - `clflushopt`: an assumption. Intel's optimization manual, in "CLFLUSHOPT instruction", says that it may take as little
 *   as a ninth of the time on Skylake; 10 ns, a fifth, is also what a dirty line needs of a memory that takes 6 GB/s.
 * - `clwb`: an assumption, as much as `clflushopt`, by which the first machines with it (Skylake-SP) carry it out.
 */
export const flushCost: FlushCost = { clflush: 50, clflushopt: 10, clwb: 10 };
