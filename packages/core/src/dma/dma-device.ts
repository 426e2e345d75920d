// SPDX-License-Identifier: MIT
import type { Route } from "../coherency/topology.ts";
import type { Timeline } from "../sim/timeline.ts";
import type { DmaConstraints } from "./dma-constraints.ts";

/** A bus master, as the DMA API and the hardware see it. */
export interface DmaDevice {
  /** Its name on the board: `"usb0"`. */
  readonly name: string;
  /** What kind of block it is: `"usb"`, `"dma"`, `"display"`. */
  readonly class: string;
  /** What Linux believes (`dev->dma_coherent`): whether the DMA API skips cache maintenance for it. */
  readonly coherent: boolean;
  /** What the hardware does: how its transactions reach memory. */
  readonly route: Route;
  /** Highest reachable bus address + 1 (`bus_dma_limit` and mask), or null when nothing limits it. */
  readonly limit: number | null;
  /** CPU physical address - bus address (`dma_range_map`). */
  readonly offset: number;
  /** What it asks of a buffer's memory (PR-10, D-18); default nothing. @see segmentLimitsOf */
  readonly constraints?: DmaConstraints;
  /** Bytes it moves in a second. */
  readonly bandwidth: number;
  /** The engine that performs its transfers, one after the other. */
  readonly timeline: Timeline;
}
