// SPDX-License-Identifier: MIT
import type { Route } from "../coherency/topology.ts";
import type { DeviceTranslation } from "../iommu/translation.ts";
import type { Timeline } from "../sim/timeline.ts";
import type { DmaConstraints } from "./dma-constraints.ts";
import type { DmaMasks } from "./dma-mask.ts";
import type { DmaTranslation } from "./dma-translation.ts";
import type { DmaWindow } from "./dma-window.ts";

/** A bus master, as the DMA API and the hardware see it. */
export interface DmaDevice {
  /** Its name on the board: `"usb0"`. */
  readonly name: string;
  /** What kind of block it is: `"usb"`, `"dma"`, `"display"`. */
  readonly class: string;
  /** What Linux sees as one device, when this is a part of it; else null. @see DeviceDescription.function */
  readonly function: string | null;
  /** What Linux believes (`dev->dma_coherent`): whether the DMA API skips cache maintenance for it. */
  readonly coherent: boolean;
  /** What the hardware does: how its transactions reach memory. */
  readonly route: Route;
  /** Of its transactions that a mapping says snoop: how they reach memory; default by `route`. */
  readonly snoopedRoute?: Route;
  /** Of those that a mapping says do not; default by `route`. */
  readonly unsnoopedRoute?: Route;
  /** What its bus shows of memory, and where (`dma_range_map`, D-15). */
  readonly windows: readonly DmaWindow[];
  /** Which addresses its driver says that it can put on the bus. */
  readonly masks: DmaMasks;
  /** The IOMMU that the DMA API goes through for it (D-1); default none. */
  readonly iommu?: DmaTranslation | null;
  /**
   * Called before the DMA API uses memory's own addresses for it: throws `KernelError` EBUSY while somebody outside of the kernel
   * has it (M-4). Default nobody has; with `iommu` that asks. @see iommu_device_use_default_domain
   */
  readonly useDmaApi?: () => void;
  /** What all of its transactions go through, whoever maps; default nothing. */
  readonly translation?: DeviceTranslation | null;
  /** Whether it may be somebody's who is not to see more than he is given, so that parts of granules bounce (I-7); default no. */
  readonly untrusted?: boolean;
  /** What it asks of a buffer's memory (PR-10, D-18); default nothing. @see segmentLimitsOf */
  readonly constraints?: DmaConstraints;
  /** Bits of an address that a bounce buffer keeps; default none (D-41). @see dma_set_min_align_mask */
  readonly minAlignMask?: number;
  /** Bytes it moves in a second. */
  readonly bandwidth: number;
  /** The engine that performs its transfers, one after the other. */
  readonly timeline: Timeline;
}
