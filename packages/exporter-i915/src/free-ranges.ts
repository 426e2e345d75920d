// SPDX-License-Identifier: MIT

/** The free addresses of an address space, lowest first. @see struct drm_mm */
export class FreeRanges {
  /** Start and end, ascending, no two of them touching. */
  readonly #ranges: [start: number, end: number][];

  /** [0, size), all of it free. */
  constructor(size: number) {
    this.#ranges = size > 0 ? [[0, size]] : [];
  }

  /** Takes the first `bytes` in a row that end at `limit` at most; their first address, or null. */
  take(bytes: number, limit: number): number | null {
    const at = this.#ranges.findIndex(([start, end]) => start + bytes <= Math.min(end, limit));
    const range = this.#ranges[at];
    if (range === undefined) return null;
    const [start, end] = range;
    if (start + bytes === end) this.#ranges.splice(at, 1);
    else range[0] = start + bytes;
    return start;
  }

  /** Gives addresses back that were taken. */
  give(start: number, bytes: number): void {
    const end = start + bytes;
    const next = this.#ranges.findIndex(([other]) => other >= end);
    const at = next < 0 ? this.#ranges.length : next;
    const before = this.#ranges[at - 1];
    const after = this.#ranges[at];
    if (before?.[1] === start && after?.[0] === end) {
      before[1] = after[1];
      this.#ranges.splice(at, 1);
    } else if (before?.[1] === start) before[1] = end;
    else if (after?.[0] === end) after[0] = start;
    else this.#ranges.splice(at, 0, [start, end]);
  }
}
