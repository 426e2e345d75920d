// SPDX-License-Identifier: MIT
import { alignDown, alignUp, type DmaAddr, type PhysAddr } from "../../address.ts";
import { KernelError } from "../../error.ts";
import { IntervalMap } from "../../memory/interval-map.ts";
import type { DmaDomain } from "./dma-domain.ts";
import type { IovaLimit } from "./iova-domain.ts";

const UNLINKED = 0;
const LINKED = 1;
const SYNCED = 2;

/**
 * Addresses taken first and linked to memory piece by piece, as in Linux 6.16 and newer (I-20 to I-23). Offsets are from
 * `address`, sizes in bytes. Only the first piece may begin, and only the last may end, within a granule. Cache maintenance and
 * bounce buffers are the caller's. @see struct dma_iova_state
 */
export class DmaIovaState {
  /** The first bus address; within its granule where the memory it was made for begins within its own. */
  readonly address: DmaAddr;
  /** Bytes that were asked for. */
  readonly size: number;
  readonly #domain: DmaDomain;
  readonly #pieces: IntervalMap;
  #isFreed = false;

  private constructor(domain: DmaDomain, address: DmaAddr, size: number) {
    this.#domain = domain;
    this.address = address;
    this.size = size;
    this.#pieces = new IntervalMap(0, size, UNLINKED);
  }

  /**
   * Takes addresses for `size` bytes; of `phys` only the offset within the granule counts. Null when there are none, and, with a
   * WARN, for a size of 0 (I-20). @see dma_iova_try_alloc
   */
  static tryAllocate(
    domain: DmaDomain,
    phys: PhysAddr,
    size: number,
    limit: IovaLimit,
    cpu = 0,
  ): DmaIovaState | null {
    if (size === 0) {
      domain.warn("I-20", "dma_iova_try_alloc", "a size of 0");
      return null;
    }
    const { granule } = domain.iova;
    const offset = phys % granule;
    const start = domain.iova.allocate(alignUp(offset + size, granule), limit, cpu);
    return start === null ? null : new DmaIovaState(domain, (start + offset) as DmaAddr, size);
  }

  /** Bytes that are linked. */
  get linkedBytes(): number {
    let bytes = 0;
    this.#pieces.forEach(0, this.size, (value, start, end) => {
      if (value !== UNLINKED) bytes += end - start;
    });
    return bytes;
  }

  /** Whether all of a part is linked and synced, so that the device may use it (I-22). */
  isReady(offset: number, size: number): boolean {
    let ready = true;
    this.#pieces.forEach(offset, offset + size, (value) => {
      ready &&= value === SYNCED;
    });
    return ready;
  }

  /**
   * Maps `size` bytes of memory at `offset` (I-21). Throws `KernelError` EIO, with a WARN, for memory that begins within a granule
   * when `offset` is not 0, and what the table throws: EINVAL behind a piece that ended within a granule, EEXIST where
   * something is linked. @see dma_iova_link
   */
  link(phys: PhysAddr, offset: number, size: number, prot: number): void {
    this.#checkPart(offset, size);
    const { granule } = this.#domain.iova;
    const pad = phys % granule;
    if (pad !== 0 && offset > 0) {
      const text = `memory at 0x${phys.toString(16)} begins within a granule of ${granule}, at offset ${offset}`;
      this.#domain.warn("I-21", "dma_iova_link", text);
      throw new KernelError("EIO", "dma_iova_link", text);
    }
    const start = (this.address + offset - pad) as DmaAddr;
    this.#domain.table.map(start, (phys - pad) as PhysAddr, alignUp(pad + size, granule), prot);
    this.#pieces.set(offset, offset + size, LINKED);
  }

  /** Makes what was linked in a part known to the IOMMU; the device may use it from now on (I-22). @see dma_iova_sync */
  sync(offset: number, size: number): void {
    this.#checkPart(offset, size);
    const { granule } = this.#domain.iova;
    const start = alignDown(this.address + offset, granule);
    const end = alignUp(this.address + offset + size, granule);
    this.#domain.table.syncMap?.(start as DmaAddr, end - start);
    this.#pieces.update(offset, offset + size, (value) => (value === LINKED ? SYNCED : value));
  }

  /** Unmaps a part and flushes the TLB at once, in lazy mode too; WARN when not all of it was linked (I-23). @see dma_iova_unlink */
  unlink(offset: number, size: number): void {
    this.#checkPart(offset, size);
    const address = (this.address + offset) as DmaAddr;
    this.#domain.takeOut("dma_iova_unlink", address, size);
    this.#domain.flush(address, size);
    this.#pieces.set(offset, offset + size, UNLINKED);
  }

  /** Gives the addresses back; WARN when something is still linked (I-23). @see dma_iova_free */
  free(cpu = 0): void {
    this.#checkLive();
    this.#isFreed = true;
    const linked = this.linkedBytes;
    if (linked > 0) this.#domain.warn("I-23", "dma_iova_free", `${linked} bytes are still linked`);
    this.#domain.release(this.address, this.size, cpu);
  }

  /**
   * Unmaps the first `mappedLength` bytes and gives all addresses back, in lazy mode after the next flush of the queue; 0 when
   * nothing was linked (I-23). @see dma_iova_destroy
   */
  destroy(mappedLength: number, cpu = 0): void {
    if (mappedLength === 0) {
      this.free(cpu);
      return;
    }
    this.#checkPart(0, mappedLength);
    this.#isFreed = true;
    this.#pieces.set(0, mappedLength, UNLINKED);
    const linked = this.linkedBytes;
    if (linked > 0) this.#domain.warn("I-23", "dma_iova_destroy", `${linked} bytes are still linked`);
    this.#domain.unmap(this.address, mappedLength, cpu, this.size);
  }

  #checkPart(offset: number, size: number): void {
    this.#checkLive();
    if (offset >= 0 && size > 0 && offset + size <= this.size) return;
    throw new TypeError(`[${offset}, ${offset + size}) is not a part of ${this.size} bytes of addresses`);
  }

  #checkLive(): void {
    if (this.#isFreed) throw new TypeError(`the addresses from 0x${this.address.toString(16)} on are freed`);
  }
}
