// SPDX-License-Identifier: MIT
import { Descriptor, type PageTable } from "@dmabuf/core/iommu";
import type { Fault } from "./fault.ts";
import { isAccessed } from "./leaf-descriptor.ts";
import type { TranslationCache } from "./translation-caches.ts";

/** A page or block that a stage has for an address. */
export interface Leaf {
  readonly fault: null;
  /** What comes out. */
  readonly address: number;
  /** Bytes of the page or block. */
  readonly size: number;
  readonly low: number;
  readonly high: number;
  readonly level: number;
}

/** What a walk needs to know. */
export interface StageWalk {
  readonly table: PageTable;
  readonly tag: number;
  /** Input addresses are below this, and output addresses below that. */
  readonly inputEnd: number;
  readonly outputEnd: number;
  /** AFFD: whether the Access flag does not matter. */
  readonly accessFlagIgnored: boolean;
  /** What is remembered; null to walk as if nothing was, and leave no trace. */
  readonly cache: TranslationCache | null;
  /** Is told of each descriptor that is read; default the table's memory. */
  readonly read?: ((address: number, bytes: number) => void) | undefined;
}

/**
 * Walks the tables of one stage, in the order in which the architecture checks. Faults are F_TRANSLATION, F_ADDR_SIZE and
 * F_ACCESS. @see Arm ARM "Translation process", Arm IHI 0070, 7.3
 */
export function walkStage(walk: StageWalk, address: number): Leaf | { readonly fault: Fault } {
  const { table: root, tag, inputEnd, outputEnd, accessFlagIgnored, cache, read } = walk;
  if (address >= inputEnd || address >= root.end)
    return { fault: { name: "F_TRANSLATION", level: root.format.levels[0]?.level ?? 0 } };
  const { table, depth, index } = cache?.walks.find(tag, root, address) ?? {
    table: root,
    depth: 0,
    index: 0,
  };
  const kind =
    cache === null && read === undefined
      ? table.walk(address, depth, index)
      : table.fetch(address, depth, index, read);
  cache?.walks.fill(tag, table, address);
  const { low, high, level, size } = table;
  if (kind !== Descriptor.LEAF) return { fault: { name: "F_TRANSLATION", level } };
  const output = table.output(address);
  if (output >= outputEnd) return { fault: { name: "F_ADDR_SIZE", level } };
  if (!accessFlagIgnored && !isAccessed(low)) return { fault: { name: "F_ACCESS", level } };
  return { fault: null, address: output, size, low, high, level };
}
