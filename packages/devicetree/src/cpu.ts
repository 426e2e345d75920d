// SPDX-License-Identifier: MIT
import { cpuNodes } from "./architecture.ts";
import { numberAt } from "./cell.ts";
import type { DeviceNode } from "./device-node.ts";
import type { DeviceTree } from "./device-tree.ts";

/** A CPU core that the tree lists and enables. */
export interface CpuFacts {
  readonly path: string;
  readonly compatible: readonly string[];
  /** Its physical id (`reg`), null when it has none. */
  readonly id: number | null;
  /** Its data cache line in bytes, from its own node or the caches behind it; null when none says. */
  readonly cacheLine: number | null;
}

const lineProperties = ["d-cache-line-size", "d-cache-block-size", "cache-line-size", "cache-block-size"];

function lineOf(node: DeviceNode): number | null {
  for (const name of lineProperties) {
    const line = node.u32(name);
    if (line !== null && line > 0) return line;
  }
  return null;
}

/** The data cache line of a core, from the nearest level that gives one. Devicetree Specification 0.4, 3.8. */
function dataCacheLine(tree: DeviceTree, cpu: DeviceNode): number | null {
  const seen = new Set<DeviceNode>();
  for (let at: DeviceNode | null = cpu; at !== null && !seen.has(at); ) {
    const line = lineOf(at);
    if (line !== null) return line;
    seen.add(at);
    const next: number | null = at.u32("next-level-cache") ?? at.u32("l2-cache");
    at = next === null ? null : tree.byPhandle(next);
  }
  return null;
}

/** The CPU cores in document order. */
export const cpusOf = (tree: DeviceTree): CpuFacts[] =>
  cpuNodes(tree).map((node) => {
    const reg = node.properties.get("reg");
    return {
      path: node.path,
      compatible: node.compatible,
      id: reg === undefined ? null : numberAt(reg.bytes, 0, Math.floor(reg.bytes.length / 4)),
      cacheLine: dataCacheLine(tree, node),
    };
  });
