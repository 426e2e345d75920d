// SPDX-License-Identifier: MIT
import { cellAt } from "./cell.ts";
import { DeviceNode } from "./device-node.ts";
import { fault, quoted } from "./fault.ts";
import type { Header } from "./header.ts";
import { Property } from "./property.ts";

const BEGIN_NODE = 1;
const END_NODE = 2;
const PROP = 3;
const NOP = 4;
const END = 9;

/** Linux refuses trees nested deeper than this. @see FDT_MAX_DEPTH */
const MAX_DEPTH = 64;
/** Far above any board; they keep a hostile blob from costing memory and output without end. */
const MAX_NODES = 65_536;
const MAX_PATH = 512;

/** A zero-terminated string of `bytes` from `start`, or null when it does not end before `end`. */
function textAt(bytes: Uint8Array, start: number, end: number): string | null {
  let text = "";
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === 0) return text;
    text += String.fromCharCode(byte);
  }
  return null;
}

/** Reads property names from the strings block; most names occur hundreds of times, so each is decoded once. */
function nameReader(bytes: Uint8Array, [start, end]: readonly [number, number], file: string) {
  const names = new Map<number, string>();
  return (offset: number, at: number): string => {
    const known = names.get(offset);
    if (known !== undefined) return known;
    if (offset >= end - start)
      throw fault(file, at, `name offset ${offset} is outside of the strings block of ${end - start} bytes`);
    const name = textAt(bytes, start + offset, end);
    if (name === null) throw fault(file, start + offset, "the property name has no end");
    if (!/^[\x21-\x7e]+$/.test(name))
      throw fault(file, start + offset, `${quoted(name)} is no property name`);
    names.set(offset, name);
    return name;
  };
}

/** A node under construction: its lists are filled here and read-only to everybody else. */
interface Open {
  readonly node: DeviceNode;
  readonly children: DeviceNode[];
  readonly properties: Map<string, Property>;
  readonly childNames: Set<string>;
}

/**
 * Reads the structure block into a tree and returns the root. Throws `InputError` with the byte offset for anything
 * that the format does not allow, and for what would make a path or a name ambiguous: two children or two
 * properties of one name. @see Devicetree Specification 0.4, 5.4
 */
export function readStructBlock(bytes: Uint8Array, header: Header, file: string): DeviceNode {
  const [start, end] = header.struct;
  const nameAt = nameReader(bytes, header.strings, file);
  const open: Open[] = [];
  let root: DeviceNode | null = null;
  let at = start;
  let nodes = 0;

  const beginNode = (): void => {
    const parent = open.at(-1);
    const name = textAt(bytes, at + 4, end);
    if (name === null) throw fault(file, at + 4, "the node name has no end");
    if (parent === undefined && root !== null) throw fault(file, at, "a second root node");
    if (parent === undefined ? name !== "" && name !== "/" : !/^[\x21-\x2e\x30-\x7e]+$/.test(name))
      throw fault(file, at + 4, `${quoted(name)} is no node name`);
    if (open.length >= MAX_DEPTH) throw fault(file, at, `nodes are nested deeper than ${MAX_DEPTH}`);
    if (parent?.childNames.has(name))
      throw fault(file, at, `a second node ${quoted(name)} in ${parent.node.path}`);
    if (++nodes > MAX_NODES) throw fault(file, at, `more than ${MAX_NODES} nodes`);
    const node = new DeviceNode(parent === undefined ? "" : name, parent?.node ?? null, at, file);
    if (node.path.length > MAX_PATH)
      throw fault(file, at + 4, `a path of ${node.path.length} characters; the longest read is ${MAX_PATH}`);
    parent?.children.push(node);
    parent?.childNames.add(name);
    root ??= node;
    open.push({
      node,
      children: node.children as DeviceNode[],
      properties: node.properties as Map<string, Property>,
      childNames: new Set(),
    });
    at += 4 + ((name.length + 4) & ~3);
  };

  const property = (): void => {
    const owner = open.at(-1);
    if (owner === undefined) throw fault(file, at, "a property outside of any node");
    if (owner.children.length > 0)
      throw fault(file, at, `a property behind the child nodes of ${owner.node.path}`);
    if (at + 12 > end) throw fault(file, at, "the structure block ends inside of a property");
    const length = cellAt(bytes, at + 4);
    const name = nameAt(cellAt(bytes, at + 8), at + 8);
    const value = at + 12;
    if (value + length > end)
      throw fault(file, at + 4, `property ${name} of ${length} bytes runs out of the structure block`);
    if (owner.properties.has(name)) throw fault(file, at, `a second property ${name} in ${owner.node.path}`);
    owner.properties.set(name, new Property(name, bytes.subarray(value, value + length), value, file));
    at = value + Math.ceil(length / 4) * 4;
  };

  for (;;) {
    if (at + 4 > end) throw fault(file, Math.min(at, end), "the structure block ends without its end token");
    const token = cellAt(bytes, at);
    if (token === BEGIN_NODE) beginNode();
    else if (token === PROP) property();
    else if (token === NOP) at += 4;
    else if (token === END_NODE) {
      if (open.pop() === undefined) throw fault(file, at, "a node ends that never began");
      at += 4;
    } else if (token === END) break;
    else throw fault(file, at, `token ${token} is none of the format's`);
  }
  const unfinished = open.at(-1);
  if (unfinished !== undefined) throw fault(file, at, `the tree ends inside of ${unfinished.node.path}`);
  if (root === null) throw fault(file, at, "a tree without a root node");
  return root;
}
