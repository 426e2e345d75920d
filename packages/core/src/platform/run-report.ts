// SPDX-License-Identifier: MIT
import type { Finding } from "../check/finding.ts";
import type { StageWait } from "../check/wait-ledger.ts";

/** Cache maintenance: operations, bytes of the lines they work through, CPU time in ns. */
export interface MaintenanceTotal {
  readonly ops: number;
  readonly bytes: number;
  readonly ns: number;
}

/** Whether a pipeline is right. */
export type Verdict = "coherent" | "incoherent" | "impossible";

/** What a run says: the JSON of `dmabuf run`. Absent is null, never missing. */
export interface RunReport {
  readonly schema: 1;
  readonly pipeline: string;
  readonly board: string;
  readonly kernel: string;
  readonly coherency: string;
  /**
   * `impossible`: a buffer could not be shared at all, and one error says why. `incoherent`: there is a stale read, a
   * lost write or a race.
   */
  readonly verdict: Verdict;
  /** What the verdict takes for granted. */
  readonly assumptions: readonly string[];
  readonly findings: readonly Finding[];
  /** `required` is the cheapest that makes the run right; null when the run was impossible. */
  readonly maintenance: { readonly performed: MaintenanceTotal; readonly required: MaintenanceTotal | null };
  /** Which stage waited for the fences of which, and by what rule. */
  readonly waits: readonly StageWait[];
  /** Frames done, virtual time and CPU time in ns. */
  readonly cost: { readonly frames: number; readonly ns: number; readonly cpuNs: number };
}
