// SPDX-License-Identifier: MIT
import type { DeviceNode } from "./device-node.ts";

/** Whether a device's DMA sees the CPU's caches, and who says so. */
export interface Coherence {
  readonly coherent: boolean;
  /** Path of the node whose property decided: the device's or an ancestor's; null: the architecture's default. */
  readonly coherentFrom: string | null;
}

/**
 * Walks a chain of DMA parents from the device up; the first `dma-coherent` or `dma-noncoherent` decides, on one node
 * the former. @see of_dma_is_coherent
 */
export function coherence(chain: readonly DeviceNode[], byDefault: boolean): Coherence {
  for (const node of chain) {
    if (node.has("dma-coherent")) return { coherent: true, coherentFrom: node.path };
    if (node.has("dma-noncoherent")) return { coherent: false, coherentFrom: node.path };
  }
  return { coherent: byDefault, coherentFrom: null };
}
