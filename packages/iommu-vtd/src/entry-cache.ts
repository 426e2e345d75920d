// SPDX-License-Identifier: MIT

/** Where an entry was read, and what it said. */
export interface CachedEntry {
  readonly table: number;
  readonly at: number;
  readonly words: Uint32Array;
  /** The domain id that invalidations name it by; 0 for an entry that is not present (VT-d 6.1). */
  readonly domain: number;
}

/**
 * The context-cache or the PASID-cache (VT-d 6.2.2, 6.2.3): entries of a device, or of a PASID of it, as they were when they were
 * read. Keys are source ids, and PASIDs above them.
 */
export class EntryCache {
  readonly #entries = new Map<number, CachedEntry>();

  find(key: number): CachedEntry | undefined {
    return this.#entries.get(key);
  }

  keep(key: number, entry: CachedEntry): void {
    this.#entries.set(key, entry);
  }

  /** Drops the entries that `which` names. */
  invalidate(which: (key: number, entry: CachedEntry) => boolean): void {
    for (const [key, entry] of this.#entries) if (which(key, entry)) this.#entries.delete(key);
  }
}

/** The key of a PASID of a device. */
export const pasidKey = (source: number, pasid: number): number => source + pasid * 2 ** 16;

/** The PASID of a key. */
export const pasidOf = (key: number): number => Math.floor(key / 2 ** 16);
