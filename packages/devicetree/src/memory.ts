// SPDX-License-Identifier: MIT
import { addressCells, sizeCells } from "./bus.ts";
import { numberAt } from "./cell.ts";
import type { DeviceNode } from "./device-node.ts";
import type { DeviceTree } from "./device-tree.ts";
import type { Property } from "./property.ts";
import type { MemoryRange } from "./reserve-map.ts";

/**
 * The ranges of a `reg` of memory on the bus that `bus` is. Throws `InputError` when it is no whole number of entries.
 */
export function memoryRanges(property: Property, bus: DeviceNode): MemoryRange[] {
  const address = addressCells(bus);
  const size = sizeCells(bus);
  const entry = 4 * (address + size);
  const { length } = property.bytes;
  if (entry === 0 || length % entry !== 0)
    throw property.fault(0, `${length} bytes are no whole number of entries of ${address} + ${size} cells`);
  const ranges: MemoryRange[] = [];
  for (let at = 0; at < length; at += entry)
    ranges.push({
      base: numberAt(property.bytes, at, address),
      size: numberAt(property.bytes, at + 4 * address, size),
    });
  return ranges;
}

/**
 * The RAM that the blob gives, in its order: the enabled memory nodes of the root, without entries of no size, which
 * are there for a boot loader to fill in. @see early_init_dt_scan_memory
 */
export function ramOf(tree: DeviceTree): MemoryRange[] {
  const ranges: MemoryRange[] = [];
  for (const node of tree.root.children) {
    if (!node.enabled || node.string("device_type") !== "memory") continue;
    const reg = node.properties.get("linux,usable-memory") ?? node.properties.get("reg");
    if (reg !== undefined) ranges.push(...memoryRanges(reg, tree.root));
  }
  return ranges.filter((range) => range.size > 0);
}
