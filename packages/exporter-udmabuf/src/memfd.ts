// SPDX-License-Identifier: MIT
import {
  alignUp,
  type CoreServices,
  type Errno,
  Extents,
  KernelError,
  PAGE_SIZE,
  type PhysAddr,
  type Process,
  physAddr,
} from "@dmabuf/core";
import { impliedByExec, type Seal, seals } from "./seal.ts";

/** How a memfd is made. */
export interface MemfdOptions {
  /** Whether seals may be added (`MFD_ALLOW_SEALING`); default yes. Without it the file is sealed against seals. */
  readonly allowSealing?: boolean;
}

const HOLE = -1;
/** The most that a memfd may have here, so that a slip does not reserve a page table without end: 64 GiB. */
const MOST_BYTES = 2 ** 36;

/**
 * A memfd: a file in memory (shmem) with seals. Its pages come to be when they are first written or pinned, one by one,
 * cleared by the CPU, which leaves them dirty in its cache. Pages that somebody pinned stay with him when the file loses
 * them. Huge pages, swap and the file's own name space are not modelled. @see memfd_create
 */
export class Memfd {
  readonly #services: CoreServices;
  /** One bit a seal, in the order of `seals`. */
  #seals = 0;
  #size = 0;
  #open = true;
  /** Address of each page up to the last one that ever came to be, or a hole. */
  #pages = new Float64Array(0);
  /** How often each page is pinned. */
  #pins = new Uint32Array(0);
  #pinned = 0;
  /** Pins of pages that a hole took out of the file, by address; made at the first. */
  #orphans: Map<number, number> | null = null;

  /** An open, empty memfd. */
  constructor(services: CoreServices, { allowSealing = true }: MemfdOptions = {}) {
    this.#services = services;
    if (!allowSealing) this.#seals = bit("seal");
  }

  /** Bytes. */
  get size(): number {
    return this.#size;
  }

  /** The seals it has (`F_GET_SEALS`). */
  get seals(): readonly Seal[] {
    return seals.filter((seal) => this.isSealed(seal));
  }

  /** Whether it has a seal. */
  isSealed(seal: Seal): boolean {
    return (this.#seals & bit(seal)) !== 0;
  }

  /** Whether its descriptor is open. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** Pages that it has now; the rest are holes. */
  get pageCount(): number {
    return this.#pages.reduce((count, page) => (page === HOLE ? count : count + 1), 0);
  }

  /**
   * Changes its size; new bytes are holes, pages past the end are freed. Throws `KernelError` EPERM against a seal, and
   * EINVAL for what is no size or more than 64 GiB. @see ftruncate
   */
  truncate(size: number): void {
    this.#assertOpen("ftruncate");
    if (!Number.isSafeInteger(size) || size < 0 || size > MOST_BYTES) {
      throw refused("EINVAL", "ftruncate", `${size} bytes are not from 0 to 64 GiB`);
    }
    if (size < this.#size && this.isSealed("shrink")) {
      throw refused(
        "EPERM",
        "ftruncate",
        `${size} is less than ${this.#size}, and the file is sealed: shrink`,
      );
    }
    if (size > this.#size && this.isSealed("grow")) {
      throw refused("EPERM", "ftruncate", `${size} is more than ${this.#size}, and the file is sealed: grow`);
    }
    for (let index = alignUp(size, PAGE_SIZE) / PAGE_SIZE; index < this.#pages.length; index++)
      this.#drop(index);
    this.#size = size;
  }

  /**
   * Adds seals; `exec` brings all others but `seal` with it. Throws `KernelError` EPERM when it may not be sealed any
   * more, EBUSY for `write` while pages are pinned, mapped anywhere or not. @see F_ADD_SEALS
   */
  addSeals(...added: readonly Seal[]): void {
    this.#assertOpen("F_ADD_SEALS");
    if (this.isSealed("seal")) throw refused("EPERM", "F_ADD_SEALS", "the file is sealed: seal");
    const all = added.includes("exec") ? [...added, ...impliedByExec] : added;
    if (all.includes("write") && !this.isSealed("write") && this.#pinned > 0) {
      throw refused("EBUSY", "F_ADD_SEALS", "pages are pinned, and whoever did may write them");
    }
    for (const seal of all) this.#seals |= bit(seal);
  }

  /**
   * Frees the pages in a range and keeps the size. Whoever has them pinned keeps them: from then on he and the file no
   * longer see the same bytes. Throws `KernelError` EPERM against a seal, EINVAL for a range that is none. Parts of pages,
   * which would be cleared, are left alone. @see FALLOC_FL_PUNCH_HOLE
   */
  punchHole(offset: number, length: number): void {
    this.#assertOpen("fallocate");
    if (!(offset >= 0 && length > 0)) {
      throw refused("EINVAL", "fallocate", `[${offset}, ${offset + length}) is no range`);
    }
    if (this.isSealed("write") || this.isSealed("future-write")) {
      throw refused("EPERM", "fallocate", "the file is sealed against writing");
    }
    const end = Math.min(Math.floor((offset + length) / PAGE_SIZE), this.#pages.length);
    for (let index = alignUp(offset, PAGE_SIZE) / PAGE_SIZE; index < end; index++) this.#drop(index);
  }

  /**
   * Stores into the file, growing it as `pwrite` does. Throws `KernelError` EPERM against a seal, ENOMEM when a page is
   * missing.
   */
  write(offset: number, length: number): Process {
    return this.#services.simulation.process("pwrite", this.#write(offset, length));
  }

  *#write(offset: number, length: number): Process {
    this.#assertOpen("pwrite");
    if (this.isSealed("write") || this.isSealed("future-write")) {
      throw refused("EPERM", "pwrite", "the file is sealed against writing");
    }
    if (offset + length > this.#size) this.truncate(offset + length);
    if (!(length > 0)) return;
    const pages = this.#populate(offset, length, "pwrite");
    this.#services.cpu.access("write", pages.slice(offset % PAGE_SIZE, length));
    yield* this.#services.cpu.settle();
  }

  /** Loads from the file; holes read as zeroes and stay holes, and so does everything past the end. @see pread */
  read(offset: number, length: number): Process {
    return this.#services.simulation.process("pread", this.#read(offset, length));
  }

  *#read(offset: number, length: number): Process {
    this.#assertOpen("pread");
    const end = Math.min(offset + length, this.#size);
    const present: [start: number, end: number][] = [];
    for (let at = offset; at < end; ) {
      const next = Math.min(end, at - (at % PAGE_SIZE) + PAGE_SIZE);
      const page = this.pageAt(Math.floor(at / PAGE_SIZE));
      if (page !== null) present.push([page + (at % PAGE_SIZE), page + (at % PAGE_SIZE) + next - at]);
      at = next;
    }
    if (present.length > 0) this.#services.cpu.access("read", Extents.of(...present));
    yield* this.#services.cpu.settle();
  }

  /** The page at a page index, or null for a hole. */
  pageAt(index: number): PhysAddr | null {
    const page = this.#pages[index] ?? HOLE;
    return page === HOLE ? null : physAddr(page);
  }

  /**
   * Makes the pages [first, first + count) come to be and pins each once; returns one range a page. Throws `KernelError`
   * EINVAL for a range that is empty or leaves the file, ENOMEM when a page is missing; then nothing is pinned.
   * @see memfd_pin_folios
   */
  pin(first: number, count: number): Extents {
    const operation = "memfd_pin_folios";
    const bytes = `[${first * PAGE_SIZE}, ${(first + count) * PAGE_SIZE})`;
    if (!(count > 0)) throw refused("EINVAL", operation, `${bytes} is empty`);
    if ((first + count) * PAGE_SIZE > this.#size) {
      throw refused("EINVAL", operation, `${bytes} is not within the ${this.#size} bytes of the memfd`);
    }
    const pages = this.#populate(first * PAGE_SIZE, count * PAGE_SIZE, operation);
    for (let index = first; index < first + count; index++) (this.#pins[index] as number)++;
    this.#pinned += count;
    return pages;
  }

  /** Takes one pin of the page with this index and address back. */
  unpin(index: number, page: number): void {
    const orphaned = this.#orphans?.get(page) ?? 0;
    if (orphaned > 1) this.#orphans?.set(page, orphaned - 1);
    else if (orphaned === 1) {
      this.#orphans?.delete(page);
      this.#free(page);
    } else {
      const pins = this.#pins[index] ?? 0;
      if (this.#pages[index] !== page || pins === 0) {
        throw new TypeError(`page ${index} of the memfd at 0x${page.toString(16)} is not pinned`);
      }
      this.#pins[index] = pins - 1;
      if (!this.#open) this.#dropUnpinned(index);
    }
    this.#pinned--;
  }

  /** Closes the descriptor: pages are freed, pinned ones when their last pin is gone. A second time does nothing. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    for (let index = 0; index < this.#pages.length; index++) this.#dropUnpinned(index);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The pages of a range, those that are missing made and cleared in one go; all or none of them on ENOMEM. */
  #populate(offset: number, length: number, operation: string): Extents {
    const { memory, cpu } = this.#services;
    const first = Math.floor(offset / PAGE_SIZE);
    const count = alignUp(offset + length, PAGE_SIZE) / PAGE_SIZE - first;
    if (first + count > this.#pages.length) this.#grow(first + count);
    const fresh: number[] = [];
    for (let index = first; index < first + count; index++) {
      if (this.#pages[index] !== HOLE) continue;
      const page = memory.pages.allocatePages(0);
      if (page === null) {
        for (const made of fresh) this.#drop(made);
        throw refused("ENOMEM", operation, `no free page is left for page ${index - first} of ${count}`);
      }
      this.#pages[index] = page;
      fresh.push(index);
    }
    if (fresh.length > 0)
      cpu.access("clear", onePageEach(fresh.map((index) => this.#pages[index] as number)));
    return onePageEach(this.#pages.subarray(first, first + count));
  }

  #grow(pages: number): void {
    const grown = new Float64Array(pages).fill(HOLE);
    grown.set(this.#pages);
    this.#pages = grown;
    const pins = new Uint32Array(pages);
    pins.set(this.#pins);
    this.#pins = pins;
  }

  #drop(index: number): void {
    const page = this.#pages[index] as number;
    const pins = this.#pins[index] as number;
    if (pins > 0) {
      this.#orphans ??= new Map();
      this.#orphans.set(page, pins);
      this.#pages[index] = HOLE;
      this.#pins[index] = 0;
    } else this.#dropUnpinned(index);
  }

  #dropUnpinned(index: number): void {
    const page = this.#pages[index] as number;
    if (page === HOLE || (this.#pins[index] as number) > 0) return;
    this.#free(page);
    this.#pages[index] = HOLE;
  }

  #free(page: number): void {
    this.#services.memory.pages.freePages(physAddr(page), 0);
  }

  #assertOpen(operation: string): void {
    if (!this.#open) throw refused("EBADF", operation, "the memfd is closed");
  }
}

/** A scatterlist with one entry a page, neighbours or not (U-7). */
function onePageEach(pages: ArrayLike<number>): Extents {
  const pairs = new Float64Array(pages.length * 2);
  for (let i = 0; i < pages.length; i++) {
    pairs[i * 2] = pages[i] as number;
    pairs[i * 2 + 1] = (pages[i] as number) + PAGE_SIZE;
  }
  return new Extents(pairs);
}

const bit = (seal: Seal): number => 1 << seals.indexOf(seal);

const refused = (errno: Errno, operation: string, reason: string): KernelError =>
  new KernelError(errno, operation, reason);
