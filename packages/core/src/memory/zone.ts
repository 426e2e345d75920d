// SPDX-License-Identifier: MIT

/**
 * The zones of the page allocator: memory below 4 GiB, which a device with 32 address bits reaches, and the rest.
 * arm64's ZONE_DMA below them is not modelled, nor are highmem and movable zones.
 * @see ZONE_DMA32
 */
export type ZoneName = "dma32" | "normal";

/** First address past the DMA32 zone. */
export const DMA32_END = 2 ** 32;

/** The zone that an address of RAM belongs to. */
export const zoneOf = (address: number): ZoneName => (address < DMA32_END ? "dma32" : "normal");
