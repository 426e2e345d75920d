// SPDX-License-Identifier: MIT
import type { InputError } from "@dmabuf/core";
import type { DeviceNode } from "./device-node.ts";
import type { DeviceTree } from "./device-tree.ts";
import { phandleList } from "./phandle-list.ts";

/** Where the DMA of a tree's nodes goes, node by node towards memory. */
export class DmaParents {
  readonly #tree: DeviceTree;
  readonly #known = new Map<DeviceNode, DeviceNode | null>();

  constructor(tree: DeviceTree) {
    this.#tree = tree;
  }

  /**
   * The bus that a node's DMA goes to: the target of its `interconnects` entry named `dma-mem`, else the tree parent;
   * null for the root. @see __of_get_dma_parent
   */
  of(node: DeviceNode): DeviceNode | null {
    const known = this.#known.get(node);
    if (known !== undefined) return known;
    const parent = this.#named(node) ?? node.parent;
    this.#known.set(node, parent);
    return parent;
  }

  #named(node: DeviceNode): DeviceNode | null {
    const index = node.strings("interconnect-names")?.indexOf("dma-mem") ?? -1;
    if (index < 0) return null;
    // The name counts entries, not the pairs that other users of the property read: that is what Linux does.
    return phandleList(this.#tree, node, "interconnects", "#interconnect-cells").entries[index]?.node ?? null;
  }

  /**
   * `node`, its DMA parent, that one's, and so on up to the root. Throws `InputError` when the chain closes on itself,
   * which only `dma-mem` entries can make it do.
   */
  chain(node: DeviceNode): DeviceNode[] {
    const chain = new Set<DeviceNode>();
    for (let at: DeviceNode | null = node; at !== null; at = this.of(at)) {
      if (chain.has(at)) throw this.#circle(node, at, [...chain]);
      chain.add(at);
    }
    return [...chain];
  }

  #circle(node: DeviceNode, again: DeviceNode, chain: readonly DeviceNode[]): InputError {
    const closing = chain.findLast((one) => this.of(one) !== one.parent) ?? again;
    const reason = `the DMA parents of ${node.path} run in a circle through ${again.path}`;
    return closing.properties.get("interconnects")?.fault(0, reason) ?? again.fault(reason);
  }
}
