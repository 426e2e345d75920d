// SPDX-License-Identifier: MIT

/** Bytes in a chunk; every line size divides it. */
export const CHUNK = 2 ** 20;

/** Real bytes for a sparse address space: chunks made when first touched, zero until written. */
export class ByteStore {
  readonly #chunks = new Map<number, Uint8Array>();
  #hint = -1;
  #hinted: Uint8Array | null = null;

  /** The chunk that holds an address. */
  chunk(address: number): Uint8Array {
    const index = Math.floor(address / CHUNK);
    if (index === this.#hint && this.#hinted !== null) return this.#hinted;
    let chunk = this.#chunks.get(index);
    if (chunk === undefined) {
      chunk = new Uint8Array(CHUNK);
      this.#chunks.set(index, chunk);
    }
    this.#hint = index;
    this.#hinted = chunk;
    return chunk;
  }

  /** The byte at an address. */
  at(address: number): number {
    return this.chunk(address)[address % CHUNK] as number;
  }

  /** Copies [start, end) out to `into` from its index `at`. */
  read(start: number, end: number, into: Uint8Array, at: number): void {
    for (let address = start; address < end; ) {
      const offset = address % CHUNK;
      const length = Math.min(end - address, CHUNK - offset);
      into.set(this.chunk(address).subarray(offset, offset + length), at + address - start);
      address += length;
    }
  }

  /** Copies bytes of `from`, beginning at its index `at`, to [start, end). */
  write(start: number, end: number, from: Uint8Array, at: number): void {
    for (let address = start; address < end; ) {
      const offset = address % CHUNK;
      const length = Math.min(end - address, CHUNK - offset);
      const source = at + address - start;
      this.chunk(address).set(from.subarray(source, source + length), offset);
      address += length;
    }
  }
}
