// SPDX-License-Identifier: MIT
import { TranslationRuns } from "./translation-runs.ts";

/**
 * A TLB: what it has once seen it keeps until it is flushed, whatever becomes of the page tables. It is as large as it needs to
 * be: a real one may forget an entry at any time, and this is the case in which it does not. Pages without a translation are
 * not remembered. All numbers are page numbers.
 */
export class TranslationCache {
  readonly #entries: TranslationRuns;
  /** Translations that were found in it. */
  hits = 0;
  /** Translations that the page tables were asked for. */
  misses = 0;

  /** Empty, for pages in [0, end). */
  constructor(end: number) {
    this.#entries = new TranslationRuns(end);
  }

  /** Number of pages that it has an entry for. */
  get pageCount(): number {
    return this.#entries.pageCount;
  }

  /** Whether it has an entry for a page. */
  has(page: number): boolean {
    return this.#entries.has(page);
  }

  /** Looks a page up in it, else in the page tables, and keeps what they say. False when there is no translation at all. */
  fill(page: number, table: TranslationRuns): boolean {
    if (this.#entries.has(page)) {
      this.hits++;
      return true;
    }
    this.misses++;
    if (!table.has(page)) return false;
    this.#entries.add(page, page + 1, table.physOf(page), table.protOf(page));
    return true;
  }

  /** The physical page of a page that it has an entry for. */
  physOf(page: number): number {
    return this.#entries.physOf(page);
  }

  /** The flags of a page that it has an entry for. */
  protOf(page: number): number {
    return this.#entries.protOf(page);
  }

  /** Drops the entries of [page, end). */
  flush(page: number, end: number): void {
    this.#entries.clear(page, end);
  }

  /** Drops all entries. */
  flushAll(): void {
    this.#entries.clearAll();
  }
}
