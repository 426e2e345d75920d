// SPDX-License-Identifier: MIT
import type { DeviceNode } from "./device-node.ts";
import { hex } from "./fault.ts";
import { readHeader } from "./header.ts";
import { type MemoryRange, readReserveMap } from "./reserve-map.ts";
import { readStructBlock } from "./struct-block.ts";

/** A device tree, read and checked. */
export interface DeviceTree {
  /** What the caller called the blob, usually its file name. */
  readonly name: string;
  /** The format's version, 16 or more. */
  readonly version: number;
  /** The physical id of the CPU that boots, from the header. */
  readonly bootCpu: number;
  /** The memory reservation block, in its order. */
  readonly reserved: readonly MemoryRange[];
  readonly root: DeviceNode;
  /** All nodes in document order, the root first. */
  readonly nodes: readonly DeviceNode[];
  /** The properties of `/aliases` that are paths: short name to full path. */
  readonly aliases: ReadonlyMap<string, string>;
  /** The node of a full path, of an alias (`serial0`), or of an alias and a rest (`usb0/port@1`); null if none is. */
  find(path: string): DeviceNode | null;
  /** The node that a phandle refers to; null if none has it. */
  byPhandle(phandle: number): DeviceNode | null;
}

function documentOrder(root: DeviceNode): DeviceNode[] {
  const nodes: DeviceNode[] = [];
  const visit = (node: DeviceNode): void => {
    nodes.push(node);
    for (const child of node.children) visit(child);
  };
  visit(root);
  return nodes;
}

function phandles(nodes: readonly DeviceNode[]): Map<number, DeviceNode> {
  const found = new Map<number, DeviceNode>();
  for (const node of nodes) {
    const { phandle } = node;
    if (phandle === null) continue;
    if (phandle === 0 || phandle === 0xffffffff)
      throw node.fault(`${node.path} has ${hex(phandle)} as its phandle`);
    const other = found.get(phandle);
    if (other !== undefined)
      throw node.fault(`${node.path} has the phandle ${hex(phandle)} of ${other.path}`);
    found.set(phandle, node);
  }
  return found;
}

const childNamed = (node: DeviceNode, name: string): DeviceNode | undefined =>
  node.children.find((child) => child.name === name) ??
  // As Linux, a name without unit address finds the first child whose name differs only by one.
  (name.includes("@") ? undefined : node.children.find((child) => child.baseName === name));

/**
 * Reads a flattened device tree. `name` goes into error messages. The bytes are kept, not copied: do not change them.
 * Throws `InputError`, one line with the byte offset, for a blob that is truncated, corrupt, of an unknown version, or
 * ambiguous (equal names in one node, equal phandles).
 * @see Devicetree Specification 0.4, chapter 5
 */
export function readDeviceTree(bytes: Uint8Array, name = ""): DeviceTree {
  const header = readHeader(bytes, name);
  const reserved = readReserveMap(bytes, header, name);
  const root = readStructBlock(bytes, header, name);
  const nodes = documentOrder(root);
  const nodesByPhandle = phandles(nodes);
  const aliases = new Map<string, string>();
  for (const property of childNamed(root, "aliases")?.properties.values() ?? []) {
    if (property.name === "phandle" || property.name === "linux,phandle" || property.name === "name")
      continue;
    const path = property.strings()[0];
    if (path !== undefined) aliases.set(property.name, path);
  }
  const find = (path: string): DeviceNode | null => {
    const [first = "", ...rest] = path.split("/");
    const start = first === "" ? "" : aliases.get(first);
    if (start === undefined || path === "") return null;
    let node: DeviceNode | undefined = root;
    for (const part of [...start.split("/"), ...rest]) {
      if (node === undefined) return null;
      if (part !== "") node = childNamed(node, part);
    }
    return node ?? null;
  };
  return {
    name,
    version: header.version,
    bootCpu: header.bootCpu,
    reserved,
    root,
    nodes,
    aliases,
    find,
    byPhandle: (phandle) => nodesByPhandle.get(phandle) ?? null,
  };
}
