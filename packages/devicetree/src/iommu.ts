// SPDX-License-Identifier: MIT
import type { DeviceNode } from "./device-node.ts";
import type { DeviceTree } from "./device-tree.ts";
import { hex } from "./fault.ts";
import { iommuKind } from "./iommu-kind.ts";
import { phandleList } from "./phandle-list.ts";

/** An IOMMU of the board. */
export interface IommuFacts {
  readonly path: string;
  /** `mmu-500`, `smmu-v3`, `rockchip-iommu` and so on; the node's first `compatible` for one not known. */
  readonly kind: string;
  readonly enabled: boolean;
}

/** An enabled IOMMU in front of a master, and the ids by which it knows the master. */
export interface IommuUse {
  readonly path: string;
  /**
   * The first argument cell of each entry: a stream id, a port, a swgroup. For `iommu-map` the first id of each range
   * that a PCI host's functions are mapped to. Empty where the IOMMU takes no arguments.
   */
  readonly ids: readonly number[];
}

/** What stands between a master and memory. */
export interface IommuView {
  readonly uses: readonly IommuUse[];
  /** Whether Linux translates all the master does: it names IOMMUs, and every one of them is enabled. */
  readonly translated: boolean;
  /** What about it rests on Linux carrying on without, in words. */
  readonly assumed: readonly string[];
}

/** Whether a node is an IOMMU: others can name it in `iommus`, or its `compatible` says so. */
export const isIommu = (node: DeviceNode): boolean =>
  node.has("#iommu-cells") || iommuKind(node.compatible) !== null;

/** All IOMMUs in document order, disabled ones too. */
export const iommusOf = (tree: DeviceTree): IommuFacts[] =>
  tree.nodes.filter(isIommu).map((node) => ({
    path: node.path,
    kind: iommuKind(node.compatible) ?? node.compatible[0] ?? node.baseName,
    enabled: node.enabled,
  }));

interface Named {
  readonly node: DeviceNode;
  readonly id: number | null;
}

/** The ids of a map whose entries are all of four cells though the IOMMU takes two. @see of_check_bad_map */
const hasOneIdForTwo = (cells: readonly number[]): boolean =>
  cells.length % 4 === 0 &&
  cells.every((cell, at) => (at % 4 === 1 ? cell === cells[1] : at % 4 === 3 ? cell === 1 : true));

/** The targets of `iommu-map`: entries of requester id, IOMMU, its arguments, count. @see of_map_id */
function mapped(tree: DeviceTree, node: DeviceNode): { named: Named[]; stopped: string | null } {
  const property = node.properties.get("iommu-map");
  const cells = property?.cells() ?? [];
  const oneId = hasOneIdForTwo(cells);
  const named: Named[] = [];
  for (let at = 0; at < cells.length; ) {
    const target = tree.byPhandle(cells[at + 1] ?? 0);
    if (target === null)
      return {
        named,
        stopped: `${node.path}: iommu-map names phandle ${hex(cells[at + 1] ?? 0)}, which no node has`,
      };
    const asked = target.u32("#iommu-cells") ?? 1;
    const count = asked === 2 && oneId ? 1 : asked;
    const next = at + count + 3;
    if (next > cells.length)
      throw property?.fault(4 * at, `the entry for ${target.path} is cut short`) ?? node.fault("");
    named.push({ node: target, id: count === 0 ? null : (cells[at + 2] ?? 0) });
    at = next;
  }
  return { named, stopped: null };
}

/** The targets of `iommus`. @see of_iommu_configure_dev */
function listed(tree: DeviceTree, node: DeviceNode): { named: Named[]; stopped: string | null } {
  const { entries, stopped } = phandleList(tree, node, "iommus", "#iommu-cells");
  const named = entries.flatMap(({ node: target, args }) =>
    target === null ? [] : [{ node: target, id: args[0] ?? null }],
  );
  return { named, stopped };
}

/**
 * The IOMMUs that translate for `node`: those of its `iommu-map` when it is the host of an enumerated bus, else of its `iommus`. A target
 * that is disabled is left out, and Linux then lets the device run untranslated. @see of_iommu_configure
 */
export function iommuView(tree: DeviceTree, node: DeviceNode, isHost: boolean): IommuView {
  const { named, stopped } = isHost && node.has("iommu-map") ? mapped(tree, node) : listed(tree, node);
  const uses = new Map<string, number[]>();
  const disabled = new Set<string>();
  for (const { node: target, id } of named) {
    if (!target.enabled) {
      disabled.add(target.path);
      continue;
    }
    const ids = uses.get(target.path) ?? [];
    if (id !== null) ids.push(id);
    uses.set(target.path, ids);
  }
  const assumed = [...disabled].map(
    (path) => `${node.path}: its IOMMU ${path} is disabled, so it runs untranslated`,
  );
  if (stopped !== null) assumed.push(`${stopped}; Linux carries on without`);
  return {
    uses: [...uses].map(([path, ids]) => ({ path, ids })),
    translated: uses.size > 0 && assumed.length === 0,
    assumed,
  };
}
