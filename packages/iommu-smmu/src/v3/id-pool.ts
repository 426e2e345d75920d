// SPDX-License-Identifier: MIT

/** ASIDs or VMIDs, handed out from 1 on, the lowest first; 0 is nobody's. @see arm_smmu_asid_xa, vmid_map */
export class IdPool {
  readonly #end: number;
  readonly #taken = new Set<number>();
  /** None below this is free. */
  #lowest = 1;

  constructor(bits: number) {
    this.#end = 2 ** bits;
  }

  /** The lowest that is free, or null. */
  take(): number | null {
    while (this.#taken.has(this.#lowest)) this.#lowest++;
    if (this.#lowest >= this.#end) return null;
    this.#taken.add(this.#lowest);
    return this.#lowest;
  }

  /** Gives one back. */
  giveBack(id: number): void {
    this.#taken.delete(id);
    this.#lowest = Math.min(this.#lowest, id);
  }
}
