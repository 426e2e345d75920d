// SPDX-License-Identifier: MIT
import type { DmaAddr, PhysAddr } from "../address.ts";
import { KernelError } from "../error.ts";
import { Extents } from "../memory/extents.ts";
import type { Arch } from "./arch.ts";
import { iommuProt } from "./backend/mapping-prot.ts";
import type { Cpu } from "./cpu.ts";
import type { DmaDirection } from "./direction.ts";
import type { DmaAttributes } from "./dma-attributes.ts";
import type { DmaDevice } from "./dma-device.ts";
import type { DmaDomain } from "./iova/dma-domain.ts";
import { DmaIovaState } from "./iova/dma-iova-state.ts";

/** Who links: the CPU and its architecture, and whoever keeps account. */
export interface LinkHands {
  readonly arch: Arch;
  readonly cpu: Cpu;
  /** Called when the addresses are given back. */
  readonly ended: (link: IovaLink) => void;
}

/**
 * Addresses of a device that were taken first and are linked to memory piece by piece (I-20 to I-23): what the newer kernels
 * (6.16 on) offer to who has no scatterlist. Offsets and sizes are bytes. dma-debug does not look at it, as in the kernel.
 * @see struct dma_iova_state
 */
export class IovaLink {
  readonly kind = "iova-link";
  readonly device: DmaDevice;
  readonly #domain: DmaDomain;
  readonly #state: DmaIovaState;
  readonly #hands: LinkHands;

  private constructor(device: DmaDevice, domain: DmaDomain, state: DmaIovaState, hands: LinkHands) {
    this.device = device;
    this.#domain = domain;
    this.#state = state;
    this.#hands = hands;
  }

  /** For `DmaApi.iovaTryAlloc`. */
  static tryAllocate(device: DmaDevice, phys: PhysAddr, size: number, hands: LinkHands): IovaLink | null {
    const { iommu, masks } = device;
    if (iommu === undefined || iommu === null) return null;
    const state = DmaIovaState.tryAllocate(iommu.domain, phys, size, iommu.limit(masks.streaming));
    return state === null ? null : new IovaLink(device, iommu.domain, state, hands);
  }

  /** The first bus address. */
  get dmaAddress(): number {
    return this.#state.address;
  }

  /** Bytes of addresses. */
  get size(): number {
    return this.#state.size;
  }

  /** Whether the device may use all of a part: it is linked and synced (I-22). */
  isReady(offset: number, size: number): boolean {
    return this.#state.isReady(offset, size);
  }

  /**
   * Puts memory behind a part, and hands it to the device unless that is left to the driver or the memory is registers
   * (I-21). Throws `KernelError` EIO, with a WARN, for memory that begins within a granule where it is not the first;
   * EINVAL and EEXIST as the table does; EOPNOTSUPP for parts of granules of an untrusted device, which the kernel bounces and
   * the model does not (I-7). @see dma_iova_link
   */
  link(
    phys: PhysAddr,
    offset: number,
    size: number,
    direction: DmaDirection,
    attributes: DmaAttributes = {},
  ): void {
    const { privileged = false, mmio = false } = attributes;
    const prot = iommuProt(direction, { coherent: this.device.coherent, privileged, mmio });
    const { granule } = this.#domain.table;
    if (this.device.untrusted === true && !(phys % granule === 0 && size % granule === 0)) {
      const reason = `${this.device.name} is untrusted, and links are not bounced here: link whole granules`;
      throw new KernelError("EOPNOTSUPP", "dma_iova_link", reason);
    }
    this.#state.link(phys, offset, size, prot);
    if (!this.#maintains(attributes)) return;
    const { arch, cpu } = this.#hands;
    cpu.maintain(arch.syncForDevice(Extents.of([phys, phys + size]), direction));
  }

  /** Makes a part that was linked known to the IOMMU; from then on the device may use it (I-22). @see dma_iova_sync */
  sync(offset: number, size: number): void {
    this.#state.sync(offset, size);
  }

  /** Hands a part to the CPU and takes the memory away, with a flush at once (I-23). @see dma_iova_unlink */
  unlink(offset: number, size: number, direction: DmaDirection, attributes: DmaAttributes = {}): void {
    this.#toCpu(offset, size, direction, attributes);
    this.#state.unlink(offset, size);
  }

  /** Gives the addresses back; a WARN when something is still linked (I-23). @see dma_iova_free */
  free(): void {
    this.#state.free();
    this.#hands.ended(this);
  }

  /**
   * Unlinks the first `mappedLength` bytes and gives the addresses back, in lazy mode after the next flush; 0 when nothing
   * was linked (I-23). @see dma_iova_destroy
   */
  destroy(mappedLength: number, direction: DmaDirection, attributes: DmaAttributes = {}): void {
    if (mappedLength > 0) this.#toCpu(0, mappedLength, direction, attributes);
    this.#state.destroy(mappedLength);
    this.#hands.ended(this);
  }

  #maintains({ skipCpuSync, mmio }: DmaAttributes): boolean {
    return !this.device.coherent && skipCpuSync !== true && mmio !== true;
  }

  /** The memory is found by its addresses, as the kernel does it. */
  #toCpu(offset: number, size: number, direction: DmaDirection, attributes: DmaAttributes): void {
    if (!this.#maintains(attributes)) return;
    const { table } = this.#domain;
    const ranges: [start: number, end: number][] = [];
    const end = this.dmaAddress + offset + size;
    for (let at = this.dmaAddress + offset; at < end; ) {
      const stop = Math.min(end, at - (at % table.granule) + table.granule);
      const phys = table.lookup(at as DmaAddr);
      if (phys !== null) ranges.push([phys, phys + stop - at]);
      at = stop;
    }
    const { arch, cpu } = this.#hands;
    if (ranges.length > 0) cpu.maintain(arch.syncForCpu(Extents.of(...ranges), direction));
  }
}
