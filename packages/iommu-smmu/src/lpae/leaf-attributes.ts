// SPDX-License-Identifier: MIT
import { IommuProt } from "@dmabuf/core/iommu";
import {
  AttrIndx,
  type MemoryType,
  type Shareability,
  shareabilityOf,
  stage1Type,
  stage2Type,
} from "./memory-type.ts";

const { READ, WRITE, CACHE, NOEXEC, MMIO, PRIV } = IommuProt;

/** What the descriptor of a page or block says besides the address. */
export interface LeafAttributes {
  readonly type: MemoryType;
  readonly shareability: Shareability;
  /** Flags of `IommuProt`: `READ` and `WRITE`, and `PRIV` where only privileged accesses get through. */
  readonly access: number;
  /** Nobody fetches instructions: UXN, or XN of stage 2. */
  readonly executeNever: boolean;
  /** The Access flag: without it the first access faults. */
  readonly accessFlag: boolean;
}

/** How a stage writes and reads what is not the address. */
export interface LeafEncoding {
  /** Bits 11:2 for flags of `IommuProt`. */
  low(prot: number): number;
  /** Bits 63:52 for flags of `IommuProt`, in the high word. */
  high(prot: number): number;
  /** The flags back, so that writing them gives the same bits. */
  protOf(low: number, high: number): number;
  attributesOf(low: number, high: number): LeafAttributes;
}

const NOT_GLOBAL = 1 << 11;
const ACCESS_FLAG = 1 << 10;
/** SH[1:0] = 0b10 and 0b11 in bits 9:8. */
const SH_OUTER = 2 << 8;
const SH_INNER = 3 << 8;
/** Bits 54:53: UXN and PXN of stage 1, XN[1:0] of stage 2; both, as Linux sets them. @see ARM_LPAE_PTE_XN */
const EXECUTE_NEVER = 3 << 21;
const XN = 1 << 22;

const sharingOf = (prot: number): number => ACCESS_FLAG | ((prot & CACHE) === 0 ? SH_OUTER : SH_INNER);
const executeNever = (prot: number): number => ((prot & NOEXEC) === 0 ? 0 : EXECUTE_NEVER);
/** Flags that both stages keep in the same bits. CACHE is in SH alone where it is MMIO, too. */
const commonProt = (low: number, high: number): number =>
  ((low & SH_INNER) === SH_INNER ? CACHE : 0) | ((high & XN) === 0 ? 0 : NOEXEC);

/** AP[1]: unprivileged accesses, too. */
const AP_UNPRIVILEGED = 1 << 6;
/** AP[2]: no writes. */
const AP_READ_ONLY = 1 << 7;

/** Stage 1: AttrIndx in bits 4:2, AP[2:1] in bits 7:6, nG in bit 11 (M-27). @see Arm ARM D8.3, D8.4 */
export const stage1: LeafEncoding = {
  low(prot) {
    const index = (prot & MMIO) !== 0 ? AttrIndx.DEV : (prot & CACHE) !== 0 ? AttrIndx.CACHE : AttrIndx.NC;
    const readOnly = (prot & (READ | WRITE)) === READ ? AP_READ_ONLY : 0;
    const unprivileged = (prot & PRIV) === 0 ? AP_UNPRIVILEGED : 0;
    return NOT_GLOBAL | sharingOf(prot) | readOnly | unprivileged | (index << 2);
  },
  high: executeNever,
  protOf(low, high) {
    const mmio = ((low >> 2) & 7) === AttrIndx.DEV ? MMIO : 0;
    return stage1Access(low) | mmio | commonProt(low, high);
  },
  attributesOf: (low, high) => ({
    type: stage1Type((low >> 2) & 7),
    access: stage1Access(low),
    ...commonAttributes(low, high),
  }),
};

const stage1Access = (low: number): number =>
  READ | ((low & AP_READ_ONLY) === 0 ? WRITE : 0) | ((low & AP_UNPRIVILEGED) === 0 ? PRIV : 0);

/** S2AP[0] and [1]. */
const S2AP_READ = 1 << 6;
const S2AP_WRITE = 1 << 7;
/** MemAttr[3:0]: Device-nGnRE; outer and inner non-cacheable; outer and inner write-back. */
const MemAttr = { DEV: 0x1, NC: 0x5, OIWB: 0xf } as const;

/** Stage 2: MemAttr in bits 5:2, S2AP in bits 7:6 (M-28). @see Arm ARM D8.3, D8.4 */
export const stage2: LeafEncoding = {
  low(prot) {
    const memAttr = (prot & MMIO) !== 0 ? MemAttr.DEV : (prot & CACHE) !== 0 ? MemAttr.OIWB : MemAttr.NC;
    const read = (prot & READ) === 0 ? 0 : S2AP_READ;
    const write = (prot & WRITE) === 0 ? 0 : S2AP_WRITE;
    return sharingOf(prot) | read | write | (memAttr << 2);
  },
  high: executeNever,
  protOf(low, high) {
    const mmio = ((low >> 2) & 0xf) === MemAttr.DEV ? MMIO : 0;
    return stage2Access(low) | mmio | commonProt(low, high);
  },
  attributesOf: (low, high) => ({
    type: stage2Type((low >> 2) & 0xf),
    access: stage2Access(low),
    ...commonAttributes(low, high),
  }),
};

const stage2Access = (low: number): number =>
  ((low & S2AP_READ) === 0 ? 0 : READ) | ((low & S2AP_WRITE) === 0 ? 0 : WRITE);

const commonAttributes = (
  low: number,
  high: number,
): Pick<LeafAttributes, "shareability" | "executeNever" | "accessFlag"> => ({
  shareability: shareabilityOf((low >> 8) & 3),
  executeNever: (high & XN) !== 0,
  accessFlag: (low & ACCESS_FLAG) !== 0,
});
