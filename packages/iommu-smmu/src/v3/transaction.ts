// SPDX-License-Identifier: MIT

/** One access of a device, as it reaches the SMMU. */
export interface Transaction {
  readonly streamId: number;
  /** The SubstreamID; left out for one that carries none. */
  readonly substream?: number | undefined;
  readonly address: number;
  /** Flags of `IommuProt`: `READ`, `WRITE` or both, and `PRIV` when it is privileged. */
  readonly access: number;
  /** Whether it fetches instructions. */
  readonly instruction?: boolean;
}
