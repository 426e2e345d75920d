// SPDX-License-Identifier: MIT
import { IntervalMap } from "../memory/interval-map.ts";

/** The id of pages without a translation. */
const NONE = 0;

/**
 * Translations of pages, kept as runs: pages in a row that go to physical pages in a row with equal flags are one. All
 * numbers are page numbers. A run has an id, under which its distance and flags are stored once.
 */
export class TranslationRuns {
  readonly #ids: IntervalMap;
  // By id: physical page less page, flags, number of pages with this id.
  readonly #distances: number[] = [0];
  readonly #prots: number[] = [0];
  readonly #pages: number[] = [0];
  readonly #spare: number[] = [];
  #count = 0;

  /** Of pages in [0, end), none of which has a translation. */
  constructor(end: number) {
    this.#ids = new IntervalMap(0, end, NONE);
  }

  /** Number of pages that have a translation. */
  get pageCount(): number {
    return this.#count;
  }

  /** Whether a page has a translation. */
  has(page: number): boolean {
    return this.#ids.at(page) !== NONE;
  }

  /** The physical page of a page that has a translation. */
  physOf(page: number): number {
    return page + (this.#distances[this.#ids.at(page)] as number);
  }

  /** The flags of a page, 0 without a translation. */
  protOf(page: number): number {
    return this.#prots[this.#ids.at(page)] as number;
  }

  /** The id of the run that a page is in, 0 without a translation: for `physBy` and `protBy`, which need no search. */
  idAt(page: number): number {
    return this.#ids.at(page);
  }

  /** The physical page of a page of the run with that id. */
  physBy(id: number, page: number): number {
    return page + (this.#distances[id] as number);
  }

  /** The flags of the run with that id, 0 for the id 0. */
  protBy(id: number): number {
    return this.#prots[id] as number;
  }

  /** The first page from `page` on that has no translation, at most `end`. */
  holeFrom(page: number, end: number): number {
    let at = page;
    while (at < end && this.has(at)) at = Math.min(end, this.#ids.runEnd(at));
    return at;
  }

  /** The first page from `page` on that has a translation, at most `end`. */
  mappedFrom(page: number, end: number): number {
    return this.has(page) ? page : Math.min(end, this.#ids.runEnd(page));
  }

  /** Gives [page, end), of which no page has a translation, one to the physical pages from `phys` on. */
  add(page: number, end: number, phys: number, prot: number): void {
    const distance = phys - page;
    const before = page === 0 ? NONE : this.#ids.at(page - 1);
    const joins = before !== NONE && this.#distances[before] === distance && this.#prots[before] === prot;
    const id = joins ? before : this.#newId(distance, prot);
    this.#pages[id] = (this.#pages[id] as number) + end - page;
    this.#count += end - page;
    this.#ids.set(page, end, id);
  }

  /** Takes the translations of [page, end) out, where there are any. */
  clear(page: number, end: number): void {
    this.#ids.update(page, end, (id, from, to) => {
      if (id !== NONE) this.#drop(id, to - from);
      return NONE;
    });
  }

  /** Takes all of them out. */
  clearAll(): void {
    this.clear(this.#ids.start, this.#ids.end);
  }

  #newId(distance: number, prot: number): number {
    const id = this.#spare.pop() ?? this.#distances.length;
    this.#distances[id] = distance;
    this.#prots[id] = prot;
    this.#pages[id] = 0;
    return id;
  }

  #drop(id: number, pages: number): void {
    this.#count -= pages;
    const left = (this.#pages[id] as number) - pages;
    this.#pages[id] = left;
    if (left === 0) this.#spare.push(id);
  }
}
