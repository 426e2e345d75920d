// SPDX-License-Identifier: MIT
import { KernelError } from "../error.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { DMA32_END } from "../memory/zone.ts";
import { type DmaWindow, physToDma } from "./dma-window.ts";

/** The widest mask that is told apart; every address of the model is below it. */
const ALL_ONES = 2 ** 53 - 1;

/** `DMA_BIT_MASK(bits)`; 53 bits and more are all the addresses that there are. */
export const dmaBitMask = (bits: number): number => (bits >= 53 ? ALL_ONES : 2 ** bits - 1);

/**
 * Which addresses a device's driver says that it can put on the bus, for mappings and for coherent memory (D-12). Both are
 * inclusive highest addresses.
 */
export class DmaMasks {
  /** That for mappings when the system booted: whoever needed bounce buffers then has them. */
  readonly atBoot: number;
  readonly #name: string;
  readonly #windows: readonly DmaWindow[];
  readonly #lowest: number;
  readonly #translated: boolean;
  #streaming: number;
  #coherent: number;

  /**
   * @param streaming what the firmware leaves of the mask (D-16)
   * @param translated an IOMMU takes memory to any address, so every mask will do
   */
  constructor(
    name: string,
    windows: readonly DmaWindow[],
    memory: PhysicalMemory,
    streaming: number,
    translated = false,
  ) {
    this.#translated = translated;
    this.#name = name;
    this.#windows = windows;
    this.#lowest = Math.min(memory.ramEnd, DMA32_END) - 1;
    this.atBoot = streaming;
    this.#streaming = streaming;
    this.#coherent = streaming;
  }

  /** For mappings. @see dev->dma_mask */
  get streaming(): number {
    return this.#streaming;
  }

  /** For coherent allocations. @see dev->coherent_dma_mask */
  get coherent(): number {
    return this.#coherent;
  }

  /** Sets the mask for mappings. Throws `KernelError` EIO when it leaves out memory that nothing can bounce (D-13). @see dma_set_mask */
  set(bits: number): void {
    this.#streaming = this.#supported("dma_set_mask", bits);
  }

  /** Sets the mask for coherent memory. Throws as `set`. @see dma_set_coherent_mask */
  setCoherent(bits: number): void {
    this.#coherent = this.#supported("dma_set_coherent_mask", bits);
  }

  /** Sets both. Throws as `set`, and then neither is changed. @see dma_set_mask_and_coherent */
  setBoth(bits: number): void {
    this.set(bits);
    this.setCoherent(bits);
  }

  #supported(operation: string, bits: number): number {
    if (!(Number.isInteger(bits) && bits >= 1 && bits <= 64))
      throw new TypeError(`not a number of bits: ${bits}`);
    const mask = dmaBitMask(bits);
    const needed = physToDma(this.#windows, this.#lowest, "bidirectional") ?? this.#lowest;
    if (!this.#translated && bits < 32 && mask < needed) {
      const reason = `${this.#name}: ${bits} address bits do not reach 0x${needed.toString(16)}, where all memory that can be asked for ends`;
      throw new KernelError("EIO", operation, reason);
    }
    return mask;
  }
}
