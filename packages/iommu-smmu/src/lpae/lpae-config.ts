// SPDX-License-Identifier: MIT
import { KernelError } from "@dmabuf/core";
import { chooseGranule, type Granule } from "./granule.ts";

/** Which tables a domain has. @see struct io_pgtable_cfg */
export interface LpaeConfig {
  readonly stage: 1 | 2;
  readonly granule: Granule;
  /** Bits of an input address. @see ias */
  readonly inputBits: number;
  /** Bits of an output address: 32, 36, 40, 42, 44, 48 or 52. @see oas */
  readonly outputBits: number;
  /** Whether the table walker snoops the CPU's caches. @see coherent_walk */
  readonly coherentWalk: boolean;
}

/** What an SMMU offers, out of which a domain's tables are chosen. */
export interface LpaeOffer {
  readonly stage: 1 | 2;
  readonly granules: readonly Granule[];
  readonly inputBits: number;
  readonly outputBits: number;
  readonly coherentWalk: boolean;
  /** The CPU's page size in bytes. */
  readonly pageSize: number;
}

/** The widest address of any granule. @see ARM_LPAE_MAX_ADDR_BITS */
const MAX_BITS = 52;

/** How wide an output address can be, in bits; the index is what IPS and PS say. */
export const outputSizes: readonly number[] = [32, 36, 40, 42, 44, 48, 52];

/**
 * The tables of a domain: one granule of those that the SMMU knows, and addresses as wide as that granule can have them: 52 bits
 * for 64 KiB, else 48 (M-20, M-21). Throws `KernelError` EINVAL without a granule, and for addresses as wide as none are.
 * @see arm_lpae_alloc_pgtable
 */
export function lpaeConfig(offer: LpaeOffer): LpaeConfig {
  const { stage, granules, inputBits, outputBits, coherentWalk, pageSize } = offer;
  const granule = chooseGranule(granules, pageSize);
  if (granule === null) throw new KernelError("EINVAL", "alloc_io_pgtable_ops", "there is no granule");
  for (const bits of [inputBits, outputBits]) {
    if (bits <= MAX_BITS) continue;
    throw new KernelError("EINVAL", "alloc_io_pgtable_ops", `no table has addresses of ${bits} bits`);
  }
  if (!outputSizes.includes(outputBits)) {
    const reason = `output addresses have ${outputSizes.join(", ")} bits, not ${outputBits}`;
    throw new KernelError("EINVAL", "alloc_io_pgtable_ops", reason);
  }
  const most = granule === "64KiB" ? MAX_BITS : 48;
  return {
    stage,
    granule,
    inputBits: Math.min(inputBits, most),
    outputBits: Math.min(outputBits, most),
    coherentWalk,
  };
}
