// SPDX-License-Identifier: MIT
import { addressIn, highWord, lowWord } from "./entry-words.ts";
import type { FaultCode } from "./fault-reason.ts";

/** What hardware records of a fault (FRCD_REG). */
export interface FaultRecord {
  /** SID. */
  readonly source: number;
  /** FI: the page of the address. */
  readonly page: number;
  /** T: whether it was a read. */
  readonly read: boolean;
  /** FR. */
  readonly reason: FaultCode;
  /** PV: the PASID of a request that carried one. */
  readonly pasid: number | null;
}

/** Bits of the third and fourth words of a register. */
const PP = 2 ** 31;
const TYPE = 1 << 30;
const FAULT = 2 ** 31;

/**
 * The fault recording registers: filled in turn, kept until software clears them (F). Where the next one is not clear, the fault
 * is lost and the overflow noted (PFO).
 */
export class FaultRecording {
  readonly #registers: Uint32Array[];
  #next = 0;
  /** PFO of FSTS_REG: a fault was lost since software looked. */
  overflow = false;

  /** @param count NFR: how many registers there are */
  constructor(count: number) {
    this.#registers = Array.from({ length: count }, () => new Uint32Array(4));
  }

  /** PPF of FSTS_REG: whether a register has a fault. */
  get pending(): boolean {
    return this.#registers.some((words) => isFault(words));
  }

  /** The registers as they are, 128 bits each, low word first. */
  get registers(): readonly Uint32Array[] {
    return this.#registers;
  }

  /** Records a fault; false when it is lost. */
  record({ source, page, read, reason, pasid }: FaultRecord): boolean {
    const words = this.#registers[this.#next] as Uint32Array;
    if (isFault(words)) {
      this.overflow = true;
      return false;
    }
    words.set([
      lowWord(page),
      highWord(page),
      source + (pasid === null ? 0 : PP),
      FAULT + (read ? TYPE : 0) + reason + (pasid ?? 0) * 256,
    ]);
    this.#next = (this.#next + 1) % this.#registers.length;
    return true;
  }

  /** What the driver's handler does: reads all that is recorded, oldest first, and clears it and the overflow. @see dmar_fault */
  drain(): FaultRecord[] {
    const count = this.#registers.length;
    const found: FaultRecord[] = [];
    for (let i = 0; i < count; i++) {
      const words = this.#registers[(this.#next + i) % count] as Uint32Array;
      if (isFault(words)) found.push(decoded(words));
      words.fill(0);
    }
    this.overflow = false;
    return found;
  }
}

const isFault = (words: Uint32Array): boolean => (words[3] as number) >= FAULT;

function decoded([low = 0, high = 0, third = 0, fourth = 0]: Uint32Array): FaultRecord {
  return {
    source: third & 0xffff,
    page: addressIn(low, high),
    read: (fourth & TYPE) !== 0,
    reason: (fourth & 0xff) as FaultCode,
    pasid: third >= PP ? (fourth >>> 8) & 0xf_ffff : null,
  };
}
