// SPDX-License-Identifier: MIT
import type { DeviceTree } from "./device-tree.ts";

/** A cache behind the CPUs' own that 32-bit Arm maintains by its registers. */
export interface OuterCacheFacts {
  readonly path: string;
  /** Its `compatible` strings, most specific first. */
  readonly compatible: readonly string[];
  /** Whether `arm,io-coherent` says that no barrier has to reach it; its maintenance stays. */
  readonly ioCoherent: boolean;
}

/** What Linux has a driver for that maintains ranges. @see l2x0_ids in arch/arm/mm/cache-l2x0.c */
const known = [
  "arm,l210-cache",
  "arm,l220-cache",
  "arm,pl310-cache",
  "brcm,bcm11351-a2-pl310-cache",
  "bcm,bcm11351-a2-pl310-cache",
  "marvell,aurora-outer-cache",
];

/** The first one in the tree, whatever its `status`, or null. @see l2x0_of_init */
export function outerCacheOf(tree: DeviceTree): OuterCacheFacts | null {
  const node = tree.nodes.find(({ compatible }) => compatible.some((one) => known.includes(one)));
  if (node === undefined) return null;
  return { path: node.path, compatible: node.compatible, ioCoherent: node.has("arm,io-coherent") };
}
