// SPDX-License-Identifier: MIT

/** A page as a process has it. */
export interface NaivePage {
  /** Bus address of the page. */
  readonly bus: number;
  readonly writable: boolean;
}

/** Address spaces as they should be, one Map of pages each, and nothing remembered. */
export class NaiveMmu {
  readonly #spaces: Map<number, NaivePage>[] = [];

  /** Adds an address space; its number. */
  add(): number {
    return this.#spaces.push(new Map()) - 1;
  }

  /** Whether a page of a range is mapped. */
  any(space: number, page: number, count: number): boolean {
    return Array.from({ length: count }, (_, i) => this.at(space, page + i)).some(
      (found) => found !== undefined,
    );
  }

  map(space: number, page: number, count: number, bus: number, writable: boolean): void {
    for (let i = 0; i < count; i++) this.#of(space).set(page + i, { bus: bus + i * 4096, writable });
  }

  /** Unmaps up to the first page that is not mapped; returns how many. */
  unmap(space: number, page: number, count: number): number {
    let done = 0;
    while (done < count && this.#of(space).delete(page + done)) done++;
    return done;
  }

  at(space: number, page: number): NaivePage | undefined {
    return this.#of(space).get(page);
  }

  #of(space: number): Map<number, NaivePage> {
    return this.#spaces[space] as Map<number, NaivePage>;
  }
}
