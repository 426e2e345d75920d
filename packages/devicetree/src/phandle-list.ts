// SPDX-License-Identifier: MIT
import type { DeviceNode } from "./device-node.ts";
import type { DeviceTree } from "./device-tree.ts";
import { hex } from "./fault.ts";

/** One entry of a list such as `iommus = <&smmu 0x860>, <&smmu 0x861>`: a node and its argument cells. */
export interface PhandleEntry {
  /** Null for an entry left empty on purpose (phandle 0). */
  readonly node: DeviceNode | null;
  readonly args: readonly number[];
}

/** The entries of a list up to its end, or up to the first one that Linux would stop at. */
export interface PhandleList {
  readonly entries: readonly PhandleEntry[];
  /** Why the list was not read to its end, in words; null when it was. */
  readonly stopped: string | null;
}

/** The argument count that `node` asks of those who refer to it, or null when it says none. */
function argumentCount(node: DeviceNode, cellsName: string | null): number | null {
  if (cellsName === null) return 0;
  const count = node.u32(cellsName);
  if (count !== null && count > 16)
    throw (
      node.properties.get(cellsName)?.fault(0, `${count} cells; Linux takes at most 16`) ??
      node.fault(cellsName)
    );
  return count;
}

/**
 * Reads a property that lists phandles with arguments, whose number the node referred to gives in its property
 * `cellsName` (null: no arguments). A phandle that no node has, and an entry that runs out of the property, stop the
 * list as they do in Linux; a property that is no whole number of cells throws `InputError`.
 * @see of_parse_phandle_with_args
 */
export function phandleList(
  tree: DeviceTree,
  node: DeviceNode,
  property: string,
  cellsName: string | null,
): PhandleList {
  const cells = node.cells(property) ?? [];
  const entries: PhandleEntry[] = [];
  const stop = (reason: string): PhandleList => ({ entries, stopped: `${node.path}: ${property} ${reason}` });
  for (let at = 0; at < cells.length; ) {
    const phandle = cells[at++] ?? 0;
    if (phandle === 0) {
      entries.push({ node: null, args: [] });
      continue;
    }
    const target = tree.byPhandle(phandle);
    if (target === null) return stop(`names phandle ${hex(phandle)}, which no node has`);
    const count = argumentCount(target, cellsName);
    if (count === null) return stop(`names ${target.path}, which has no ${cellsName}`);
    if (at + count > cells.length) return stop(`ends inside of its entry for ${target.path}`);
    entries.push({ node: target, args: cells.slice(at, at + count) });
    at += count;
  }
  return { entries, stopped: null };
}
