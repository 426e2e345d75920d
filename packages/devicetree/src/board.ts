// SPDX-License-Identifier: MIT
import type { DeviceClass } from "./device-class.ts";
import type { DeviceTree } from "./device-tree.ts";
import type { IommuFacts, IommuUse } from "./iommu.ts";
import { describeMachine } from "./machine.ts";
import type { PoolFacts } from "./pool.ts";
import type { MemoryRange } from "./reserve-map.ts";
import { type Sharing, shareMatrix } from "./sharing.ts";

/** A device that reads and writes memory by itself. */
export interface MasterFacts {
  /** Full path of its node. */
  readonly path: string;
  readonly class: DeviceClass;
  /** Whether its DMA sees the CPU's caches. @see of_dma_is_coherent */
  readonly coherent: boolean;
  /** Path of the node whose property says so, its own or an ancestor's; null: the architecture's default. */
  readonly coherentFrom: string | null;
  /** The enabled IOMMUs it sits behind. */
  readonly iommus: readonly IommuUse[];
  /**
   * The highest CPU physical address that a window of `dma-ranges` reaches, plus one; null when nothing limits the
   * master or the limit is 2^53 or more. A master that skips memory below or in between has windows that this one
   * number does not show: the share matrix knows them.
   */
  readonly limit: number | null;
  /** CPU address minus bus address of the first window; 0 without windows. */
  readonly offset: number;
  /** Paths of the enabled reserved regions that it names. */
  readonly memoryRegions: readonly string[];
}

/** What `dmabuf board` answers, as JSON. Lists are in document order; what is absent is null, never missing. */
export interface BoardFacts {
  readonly schema: 1;
  readonly model: string | null;
  readonly compatible: readonly string[];
  readonly masters: readonly MasterFacts[];
  /** All IOMMUs, disabled ones too. */
  readonly iommus: readonly IommuFacts[];
  readonly pools: readonly PoolFacts[];
  /** Empty when the blob leaves it to a boot loader. */
  readonly ram: readonly MemoryRange[];
  /** Every ordered pair of masters: the producer's pairs with all consumers, then the next producer's. */
  readonly sharing: readonly Sharing[];
  /** What the answers rest on that the blob does not say, in words. */
  readonly assumed: readonly string[];
}

/**
 * The DMA masters of a board, where they reach, whether they are coherent, and what sharing memory takes for each pair
 * of them, by Linux's own rules. Throws `InputError` with the byte offset where the blob cannot be made sense of.
 */
export function describeBoard(tree: DeviceTree): BoardFacts {
  const { model, compatible, masters, iommus, pools, ram, assumed } = describeMachine(tree);
  return {
    schema: 1,
    model,
    compatible,
    masters: masters.map((master) => ({
      path: master.path,
      class: master.class,
      coherent: master.coherent,
      coherentFrom: master.coherentFrom,
      iommus: master.iommus,
      limit: master.limit,
      offset: master.offset,
      memoryRegions: master.memoryRegions,
    })),
    iommus,
    pools,
    ram,
    sharing: shareMatrix(masters, ram),
    assumed,
  };
}
