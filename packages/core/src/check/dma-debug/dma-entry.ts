// SPDX-License-Identifier: MIT

/** As what memory was mapped. @see enum dma_debug_entry type */
export type EntryKind = "single" | "scatter-gather" | "resource" | "coherent" | "pages" | "noncontiguous";

/** One mapping or allocation that is not given back yet. @see struct dma_debug_entry */
export interface DmaEntry {
  readonly kind: EntryKind;
  readonly device: string;
  readonly dmaAddress: number;
  /** Bytes; of a scatterlist all of its entries together. */
  readonly size: number;
  readonly direction: string;
  /** Entries of the scatterlist, else 1. */
  readonly entries: number;
  /** Physical address, or the CPU's where only that is known. */
  readonly address: number;
  /** Whether the driver has asked if mapping it failed. */
  checked: boolean;
  /** Who mapped it, and when. */
  readonly timeline: string;
  readonly time: number;
}

/** The entries by device and bus address; where several have the same, the closest match counts, as in the kernel. */
export class DmaEntries {
  readonly #byAddress = new Map<string, DmaEntry[]>();

  add(entry: DmaEntry): void {
    const key = keyOf(entry.device, entry.dmaAddress);
    const same = this.#byAddress.get(key);
    if (same === undefined) this.#byAddress.set(key, [entry]);
    else same.push(entry);
  }

  /** Those with that address, in the order in which they came. */
  at(device: string, dmaAddress: number): readonly DmaEntry[] {
    return this.#byAddress.get(keyOf(device, dmaAddress)) ?? [];
  }

  /** The one that agrees best with what is said of it. @see bucket_find_exact */
  closest(device: string, dmaAddress: number, said: Partial<DmaEntry>): DmaEntry | null {
    const score = (entry: DmaEntry): number =>
      (["size", "kind", "direction", "entries"] as const).filter((field) => entry[field] === said[field])
        .length;
    let best: DmaEntry | null = null;
    for (const entry of this.at(device, dmaAddress)) {
      if (best === null || score(entry) > score(best)) best = entry;
    }
    return best;
  }

  /** The one whose range holds the address. @see bucket_find_contain */
  holding(device: string, dmaAddress: number): DmaEntry | null {
    const [exact] = this.at(device, dmaAddress);
    if (exact !== undefined) return exact;
    for (const entry of this.of(device)) {
      if (dmaAddress >= entry.dmaAddress && dmaAddress < entry.dmaAddress + entry.size) return entry;
    }
    return null;
  }

  delete(entry: DmaEntry): void {
    const key = keyOf(entry.device, entry.dmaAddress);
    const left = this.at(entry.device, entry.dmaAddress).filter((each) => each !== entry);
    if (left.length === 0) this.#byAddress.delete(key);
    else this.#byAddress.set(key, left);
  }

  /** Every entry of a device, in order. */
  of(device: string): readonly DmaEntry[] {
    return [...this.#byAddress.values()].flat().filter((entry) => entry.device === device);
  }
}

const keyOf = (device: string, dmaAddress: number): string => `${device} ${dmaAddress}`;
