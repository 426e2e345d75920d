// SPDX-License-Identifier: MIT

/** How often one line may be mapped before the kernel stops counting. @see ACTIVE_CACHELINE_MAX_OVERLAP */
export const MOST_OVERLAPS = 7;

/**
 * How often each cache line is mapped at once for a device that writes it. Only the line in which a mapping begins is
 * looked at, as in the kernel.
 */
export class LineOverlap {
  readonly #line: number;
  readonly #counts = new Map<string, number>();

  /** @param line bytes in a cache line. */
  constructor(line: number) {
    this.#line = line;
  }

  /** Counts a mapping; returns how many others there are on its first line. */
  add(owner: string, address: number): number {
    const key = this.#key(owner, address);
    const others = this.#counts.get(key) ?? 0;
    this.#counts.set(key, others + 1);
    return others;
  }

  remove(owner: string, address: number): void {
    const key = this.#key(owner, address);
    const count = this.#counts.get(key) ?? 0;
    if (count <= 1) this.#counts.delete(key);
    else this.#counts.set(key, count - 1);
  }

  #key(owner: string, address: number): string {
    return `${owner} ${Math.floor(address / this.#line)}`;
  }
}
