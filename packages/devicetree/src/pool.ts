// SPDX-License-Identifier: MIT
import { numberAt } from "./cell.ts";
import type { DeviceNode } from "./device-node.ts";
import type { DeviceTree } from "./device-tree.ts";
import { memoryRanges } from "./memory.ts";
import { phandleList } from "./phandle-list.ts";

/**
 * What a reserved region is for: the contiguous allocator's, memory for coherent allocations of the devices that name
 * it, memory that all DMA of such a device is copied through, or just kept away from Linux.
 */
export type PoolKind = "cma" | "coherent-pool" | "carve-out" | "restricted";

/** A region of `/reserved-memory`. */
export interface PoolFacts {
  readonly path: string;
  readonly kind: PoolKind;
  /** Its first physical address; null when Linux places it at boot. */
  readonly base: number | null;
  /** In bytes. */
  readonly size: number;
}

/** The kind of a reserved region. @see rmem_cma_setup, rmem_dma_setup, rmem_swiotlb_setup */
function kindOf(node: DeviceNode): PoolKind {
  const { compatible } = node;
  if (compatible.includes("restricted-dma-pool")) return "restricted";
  if (!compatible.includes("shared-dma-pool")) return "carve-out";
  return node.has("reusable") ? "cma" : "coherent-pool";
}

const poolNodes = (tree: DeviceTree): DeviceNode[] =>
  (tree.root.children.find((node) => node.name === "reserved-memory")?.children ?? []).filter(
    (node) => node.enabled,
  );

function placesOf(node: DeviceNode): { base: number | null; size: number }[] {
  const reg = node.properties.get("reg");
  if (reg !== undefined && node.parent !== null) return memoryRanges(reg, node.parent);
  const size = node.properties.get("size");
  if (size === undefined) return [];
  return [{ base: null, size: numberAt(size.bytes, 0, Math.floor(size.bytes.length / 4)) }];
}

/** The enabled regions of `/reserved-memory` in document order; one with several ranges gives several. */
export const poolsOf = (tree: DeviceTree): PoolFacts[] =>
  poolNodes(tree).flatMap((node) => {
    const kind = kindOf(node);
    return placesOf(node).map(({ base, size }) => ({ path: node.path, kind, base, size }));
  });

/** The enabled regions that a device names in `memory-region`. */
export function memoryRegions(tree: DeviceTree, node: DeviceNode): DeviceNode[] {
  const { entries } = phandleList(tree, node, "memory-region", null);
  return entries.flatMap(({ node: region }) => (region?.enabled ? [region] : []));
}

/** Whether all DMA of a device that names `region` is copied through it. */
export const isRestricted = (region: DeviceNode): boolean => kindOf(region) === "restricted";
