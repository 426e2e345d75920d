// SPDX-License-Identifier: MIT

/** A seal of a memfd: what may never be done to it again. The names are those of `F_SEAL_*`. */
export type Seal = "seal" | "shrink" | "grow" | "write" | "future-write" | "exec";

/** The seals in the order of their bits in `F_ADD_SEALS` (1, 2, 4, 8, 16, 32). */
export const seals: readonly Seal[] = ["seal", "shrink", "grow", "write", "future-write", "exec"];

/** What sealing an executable file implies; every memfd is one unless it was made otherwise. @see memfd_add_seals */
export const impliedByExec: readonly Seal[] = ["shrink", "grow", "write", "future-write"];
