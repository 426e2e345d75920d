// SPDX-License-Identifier: MIT
import type { PageTable } from "@dmabuf/core/iommu";
import type { LpaeFormat } from "../lpae/lpae-format.ts";
import { type ContextFaultKind, faultBits } from "./fault-status.ts";
import { FSR, FSYNR0, SCTLR } from "./registers.ts";

/** What a context bank is programmed with. */
export interface ContextBankRegisters {
  readonly cbar: number;
  readonly cba2r: number;
  readonly sctlr: number;
  readonly tcr: number;
  readonly tcr2: number;
  /** Low word, high word. */
  readonly ttbr0: readonly [number, number];
  readonly ttbr1: readonly [number, number];
  readonly mair0: number;
  readonly mair1: number;
}

/** A context bank's registers after reset. */
const off: ContextBankRegisters = {
  ...{ cbar: 0, cba2r: 0, sctlr: 0, tcr: 0, tcr2: 0, mair0: 0, mair1: 0 },
  ...{ ttbr0: [0, 0], ttbr1: [0, 0] },
};

/** Tables that a context bank walks. */
export interface ContextTables {
  readonly table: PageTable;
  readonly format: LpaeFormat;
  /** What its entries in the TLB carry: the ASID, or the VMID of stage 2. */
  readonly tag: number;
}

/** What a context bank says of an access that it refuses. */
export interface FaultRecord {
  readonly kind: ContextFaultKind;
  readonly address: number;
  readonly write: boolean;
  readonly privileged: boolean;
  readonly level: number;
  readonly stream: number;
}

/** A context bank: what it is programmed with, the tables there, and its fault registers. @see IHI 0062, "Translation context bank" */
export class ContextBank {
  readonly index: number;
  registers = off;
  /** What lies at TTBR0; null while it does not translate. */
  tables: ContextTables | null = null;
  /** How often it was given tables, so that entries of the TLB can be told from those before. */
  generation = 0;
  fsr = 0;
  fsynr0 = 0;
  far = 0;
  cbfrsynra = 0;
  /** What was written to RESUME since the last fault. */
  resumed: "retry" | "terminate" | null = null;

  constructor(index: number) {
    this.index = index;
  }

  /** Programs it. */
  write(registers: ContextBankRegisters, tables: ContextTables): void {
    this.registers = registers;
    this.tables = tables;
    this.generation++;
  }

  /** Writes 0 to SCTLR: it translates nothing. */
  disable(): void {
    this.registers = off;
    this.tables = null;
  }

  get stalls(): boolean {
    return (this.registers.sctlr & SCTLR.CFCFG) !== 0;
  }

  /** Takes a fault down. While one is there that nobody cleared, the next is only counted as MULTI. */
  record({ kind, address, write, privileged, level, stream }: FaultRecord): void {
    this.resumed = null;
    if (this.fsr !== 0) {
      this.fsr = (this.fsr | FSR.MULTI) >>> 0;
      return;
    }
    this.fsr = faultBits[kind] | FSR.FORMAT_AARCH64 | (this.stalls ? FSR.SS : 0);
    this.fsynr0 =
      level | (write ? FSYNR0.WNR : 0) | (privileged ? FSYNR0.PNU : 0) | (kind === "EF" ? FSYNR0.PTWF : 0);
    this.far = address;
    this.cbfrsynra = stream;
  }

  /** Clears the bits of FSR that are written. */
  clear(bits: number): void {
    const left = this.fsr & ~bits;
    this.fsr = (left & ~FSR.FORMAT_AARCH64) === 0 ? 0 : left >>> 0;
  }
}
