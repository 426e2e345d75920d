// SPDX-License-Identifier: MIT
import { Tlb } from "@dmabuf/core/iommu";
import { WalkCache } from "./walk-cache.ts";

/** Invalidation registers that take an address (those that end in L leave tables alone), and those that take a context, or all. */
export type TlbiByAddress = "TLBIVA" | "TLBIVAL" | "TLBIIPAS2" | "TLBIIPAS2L";
export type TlbiByContext = "TLBIASID" | "TLBIVMID" | "TLBIALLNSNH";

/** An invalidation that was written. */
export interface Tlbi {
  readonly register: TlbiByAddress | TlbiByContext;
  /** The address space; of TLBIALLNSNH none in particular. */
  readonly tag: number;
  readonly address: number;
  /** Bytes, all of the address space for a whole context. */
  readonly size: number;
}

/** The context bank of registers that are in none. */
export const GLOBAL = -1;

/** Whether an invalidation makes the way to the pages forgotten, too. */
const forgetsTables = (register: Tlbi["register"]): boolean => !register.endsWith("L");

/**
 * The TLB of an SMMUv2 and its walk caches. An invalidation has an effect when it was waited for (M-63): before that it is in
 * nobody's power to say that it has, so the model says that it has not. @see IHI 0062, "TLB maintenance operations"
 */
export class SmmuTlb {
  readonly pages: Tlb;
  readonly walks = new WalkCache();
  readonly #written = new Map<number, Tlbi[]>();

  /** For addresses below `end`, in pages of `granule` bytes. */
  constructor(granule: number, end: number) {
    this.pages = new Tlb(granule, end);
  }

  /** An invalidation is written to a register of a context bank, or to a global one. */
  write(context: number, tlbi: Tlbi): void {
    const written = this.#written.get(context);
    if (written === undefined) this.#written.set(context, [tlbi]);
    else written.push(tlbi);
  }

  /** All that was written to a context bank is done (TLBSYNC), or all (sTLBGSYNC). */
  sync(context: number): void {
    for (const [of, written] of this.#written) {
      if (context !== GLOBAL && context !== of) continue;
      for (const tlbi of written.splice(0)) this.#do(tlbi);
    }
  }

  /** The context bank in which an invalidation of an address, or of the table it is behind, was written and not waited for. */
  unsynced(tag: number, address: number, ofTable: boolean): number | null {
    for (const [context, written] of this.#written)
      for (const { register, tag: of, address: from, size } of written) {
        if ((of !== tag && register !== "TLBIALLNSNH") || address < from || address >= from + size) continue;
        if (!ofTable || forgetsTables(register)) return context;
      }
    return null;
  }

  #do({ register, tag, address, size }: Tlbi): void {
    if (register === "TLBIALLNSNH") {
      this.pages.invalidateAll();
      this.walks.invalidateAll();
      return;
    }
    if (register === "TLBIASID" || register === "TLBIVMID") {
      this.pages.invalidateTag(tag);
      this.walks.invalidateTag(tag);
      return;
    }
    this.pages.invalidate(tag, address, size);
    if (forgetsTables(register)) this.walks.invalidate(tag, address, size);
  }
}
