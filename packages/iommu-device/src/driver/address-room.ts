// SPDX-License-Identifier: MIT
import { KernelError } from "@dmabuf/core";

const hex = (value: number): string => `0x${value.toString(16)}`;

/** What of an address space is taken: ranges in order. Always the lowest place that fits. @see drm_mm */
export class AddressRoom {
  readonly #start: number;
  readonly #end: number;
  /** Start and end of each range that is taken. */
  readonly #taken: [start: number, end: number][] = [];

  constructor(start: number, end: number) {
    this.#start = start;
    this.#end = end;
  }

  /** Takes `size` bytes at a multiple of `alignment`. Throws `KernelError` ENOSPC when there is no such place. */
  take(size: number, alignment: number): number {
    let at = alignedUp(this.#start, alignment);
    for (const [i, [start, end]] of this.#taken.entries()) {
      if (at + size <= start) return this.#insert(i, at, size);
      at = alignedUp(Math.max(at, end), alignment);
    }
    if (at + size > this.#end)
      throw new KernelError("ENOSPC", "drm_mm_insert_node", `no ${size} bytes in a row are free`);
    return this.#insert(this.#taken.length, at, size);
  }

  /** Takes `size` bytes at that address. Throws `KernelError` ENOSPC where it is taken, or outside. */
  takeAt(address: number, size: number): number {
    const range = `[${hex(address)}, ${hex(address + size)})`;
    const refuse = (reason: string): never => {
      throw new KernelError("ENOSPC", "drm_mm_reserve_node", `${range} ${reason}`);
    };
    if (address < this.#start || address + size > this.#end)
      return refuse(`is not within [${hex(this.#start)}, ${hex(this.#end)})`);
    const next = this.#taken.findIndex(([, end]) => end > address);
    if (next < 0) return this.#insert(this.#taken.length, address, size);
    if ((this.#taken[next] as [number, number])[0] < address + size) return refuse("is taken already");
    return this.#insert(next, address, size);
  }

  /** Gives the range back that begins there. Throws `KernelError` EINVAL where none begins. */
  give(address: number): void {
    const index = this.#taken.findIndex(([start]) => start === address);
    if (index < 0) throw new KernelError("EINVAL", "drm_mm_remove_node", `nothing begins at ${hex(address)}`);
    this.#taken.splice(index, 1);
  }

  #insert(index: number, address: number, size: number): number {
    this.#taken.splice(index, 0, [address, address + size]);
    return address;
  }
}

const alignedUp = (value: number, alignment: number): number => Math.ceil(value / alignment) * alignment;
