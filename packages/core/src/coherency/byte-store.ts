// SPDX-License-Identifier: MIT

/** Bytes in a chunk; every line size divides it. */
export const CHUNK = 2 ** 20;

/** Real bytes for a sparse address space: chunks made when first touched, zero until written. */
export class ByteStore {
  readonly #chunks = new Map<number, Uint8Array>();
  /** The chunk that was touched last, because the next address is most likely in it too. */
  #last: Uint8Array = new Uint8Array(0);
  #lastBase = -CHUNK;

  /** The chunk that holds an address. */
  chunk(address: number): Uint8Array {
    if (address >= this.#lastBase && address < this.#lastBase + CHUNK) return this.#last;
    const index = Math.floor(address / CHUNK);
    let chunk = this.#chunks.get(index);
    if (chunk === undefined) {
      chunk = new Uint8Array(CHUNK);
      this.#chunks.set(index, chunk);
    }
    this.#last = chunk;
    this.#lastBase = index * CHUNK;
    return chunk;
  }

  /** The byte at an address. */
  at(address: number): number {
    return this.chunk(address)[address % CHUNK] as number;
  }

  /** Copies [start, end) out to `into` from its index `at`. */
  read(start: number, end: number, into: Uint8Array, at: number): void {
    for (let address = start; address < end; ) {
      const chunk = this.chunk(address);
      const offset = address - this.#lastBase;
      const length = Math.min(end - address, CHUNK - offset);
      copyBytes(chunk, offset, into, at + address - start, length);
      address += length;
    }
  }

  /** Copies bytes of `from`, beginning at its index `at`, to [start, end). */
  write(start: number, end: number, from: Uint8Array, at: number): void {
    for (let address = start; address < end; ) {
      const chunk = this.chunk(address);
      const offset = address - this.#lastBase;
      const length = Math.min(end - address, CHUNK - offset);
      copyBytes(from, at + address - start, chunk, offset, length);
      address += length;
    }
  }
}

/** Copies bytes between two arrays. For a line or two, making a view would cost more than the copy. */
export function copyBytes(
  from: Uint8Array,
  fromAt: number,
  to: Uint8Array,
  toAt: number,
  length: number,
): void {
  if (length > 192) to.set(from.subarray(fromAt, fromAt + length), toAt);
  else for (let i = 0; i < length; i++) to[toAt + i] = from[fromAt + i] as number;
}
