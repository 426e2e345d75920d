// SPDX-License-Identifier: MIT

interface Node {
  low: number;
  high: number;
}

/**
 * Linux's policy as it is described: one list of ranges in ascending order with a sentinel above all, walked down from one
 * range to the next. High ends are inclusive, as there.
 */
export class NaiveIova {
  readonly sentinel: Node = { low: Number.POSITIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  readonly list: Node[] = [this.sentinel];
  cached = this.sentinel;
  cached32 = this.sentinel;
  tooLong: number;
  readonly start: number;
  readonly dma32: number;

  constructor(start: number, dma32: number) {
    this.start = start;
    this.dma32 = dma32;
    this.tooLong = dma32;
  }

  allocate(size: number, limit: number, aligned: boolean): number | null {
    const bound = limit + 1;
    const small = bound <= this.dma32;
    if (small && size >= this.tooLong) return null;
    let alignment = 1;
    while (aligned && alignment < size) alignment *= 2;
    const from = small ? this.cached32 : this.cached;
    let first = this.#walk(from, this.start, bound, size, alignment);
    if (first === null && from.high < bound)
      first = this.#walk(this.sentinel, from.high + 1, bound, size, alignment);
    if (first === null) {
      this.tooLong = size;
      return null;
    }
    const node = { low: first, high: first + size - 1 };
    this.list.push(node);
    this.list.sort((a, b) => (a.low < b.low ? -1 : 1));
    if (node.high < this.dma32) this.cached32 = node;
    else this.cached = node;
    return first;
  }

  #walk(from: Node, lowest: number, bound: number, size: number, alignment: number): number | null {
    let top = bound;
    for (let i = this.list.indexOf(from); i >= 0; i--) {
      top = Math.min(top, (this.list[i] as Node).low);
      if (top < size) return null;
      const first = top - size - ((top - size) % alignment);
      if (first < lowest) return null;
      if (i === 0 || first > (this.list[i - 1] as Node).high) return first;
    }
    return null;
  }

  free(frame: number): boolean {
    const i = this.list.findIndex(({ low, high }) => low <= frame && frame <= high);
    if (i < 0) return false;
    const node = this.list[i] as Node;
    const next = this.list[i + 1] as Node;
    if (node === this.cached32 || (node.high < this.dma32 && node.low >= this.cached32.low))
      this.cached32 = next;
    if (node.low < this.dma32) this.tooLong = this.dma32;
    if (node.low >= this.cached.low) this.cached = next;
    this.list.splice(i, 1);
    return true;
  }

  reserve(first: number, end: number): void {
    let low = first;
    const high = end - 1;
    for (const node of this.list) {
      if (low > node.high || high < node.low) continue;
      node.low = Math.min(node.low, low);
      if (high <= node.high) return;
      low = node.high + 1;
    }
    this.list.push({ low, high });
    this.list.sort((a, b) => (a.low < b.low ? -1 : 1));
  }
}
