// SPDX-License-Identifier: MIT
import { checkEntries, Route } from "./address-translation.ts";
import { addressAt, addressCells, busOf, sizeCells } from "./bus.ts";
import { numberAt, SATURATED, saturatingAdd } from "./cell.ts";
import type { DeviceNode } from "./device-node.ts";
import type { DmaParents } from "./dma-parent.ts";
import type { Property } from "./property.ts";

/** A window of a bus onto memory: `size` bytes at `bus` in the device's addresses are those at `cpu` in the CPU's. */
export interface DmaWindow {
  readonly bus: number;
  readonly cpu: number;
  readonly size: number;
}

/** What a device can reach by address alone. */
export interface DmaView {
  /** In the order of the blob; null when nothing constrains the device. */
  readonly windows: readonly DmaWindow[] | null;
  /** The node whose `dma-ranges` it is, null when there is none. */
  readonly from: DeviceNode | null;
  /** Why the windows that are written there are not in force, in words; null when they are. */
  readonly ignored: string | null;
}

const unconstrained: DmaView = { windows: null, from: null, ignored: null };

/**
 * The node whose `dma-ranges` holds for a device whose chain of DMA parents starts, at its bus, with `buses`. An empty
 * one means 1:1 and the search goes on; so does the first one missing, the next one missing ends it (-ENODEV).
 */
function rangesNode(buses: readonly DeviceNode[]): DeviceNode | null {
  let seen = false;
  for (const bus of buses) {
    const ranges = bus.properties.get("dma-ranges");
    if (ranges !== undefined && ranges.bytes.length > 0) return bus;
    if (seen && ranges === undefined) return null;
    seen = true;
  }
  return null;
}

/** The entries of `node`'s dma-ranges in the CPU's addresses, contiguous ones joined. @see of_pci_range_parser_one */
function windowsOf(ranges: Property, node: DeviceNode, parents: DmaParents): DmaWindow[] {
  const bus = busOf(node);
  const own = addressCells(node);
  const size = sizeCells(node);
  const parent = addressCells(node.parent ?? node);
  const entry = 4 * (own + parent + size);
  const { bytes } = ranges;
  checkEntries(ranges, entry, "dma-ranges");
  if (bytes.length % entry !== 0)
    throw ranges.fault(
      bytes.length - (bytes.length % entry),
      `${bytes.length} bytes are no whole number of entries of ${own} + ${parent} + ${size} cells`,
    );
  const route = new Route(node, { property: "dma-ranges", parent: (at) => parents.of(at) });
  const joined: { flags: number; bus: number; cpu: number | null; size: number }[] = [];
  for (let at = 0; at < bytes.length; at += entry) {
    const { flags, value } = addressAt(bytes, at, own, bus);
    const cpu = route.translate(bytes, at + 4 * own);
    const length = numberAt(bytes, at + 4 * (own + parent), size);
    const last = joined.at(-1);
    const follows =
      last !== undefined &&
      last.cpu !== null &&
      last.flags === flags &&
      value === last.bus + last.size &&
      cpu === last.cpu + last.size;
    if (follows) last.size = saturatingAdd(last.size, length);
    else joined.push({ flags, bus: value, cpu, size: length });
  }
  return joined.flatMap(({ bus: from, cpu, size: length }) =>
    cpu === null ? [] : [{ bus: from, cpu, size: length }],
  );
}

/** Answers what devices see, computing the windows of a bus once for all that sit behind it. */
export class DmaRanges {
  readonly #parents: DmaParents;
  readonly #known = new Map<DeviceNode, DmaView>();

  constructor(parents: DmaParents) {
    this.#parents = parents;
  }

  /**
   * What a device sees whose DMA starts at `buses[0]` and climbs. Linux configures such a device without any
   * constraint when no `dma-ranges` is in force or none of its entries can be translated.
   * @see of_dma_get_range, of_dma_configure_id (rule D-16)
   */
  view(buses: readonly DeviceNode[]): DmaView {
    const from = rangesNode(buses);
    const ranges = from?.properties.get("dma-ranges");
    if (from === null || ranges === undefined) return unconstrained;
    const known = this.#known.get(from);
    if (known !== undefined) return known;
    const all = windowsOf(ranges, from, this.#parents);
    // Linux's list of windows ends at the first one of no size.
    const empty = all.findIndex((window) => window.size === 0);
    const windows = empty < 0 ? all : all.slice(0, empty);
    const ignored = `no entry of the dma-ranges of ${from.path} gives a window onto the CPU's addresses`;
    const view: DmaView =
      windows.length > 0 ? { windows, from, ignored: null } : { windows: null, from, ignored };
    this.#known.set(from, view);
    return view;
  }
}

/** The highest CPU address that the windows reach, plus one; null where nothing limits or it is 2^53 or more. */
export function limitOf(windows: readonly DmaWindow[] | null): number | null {
  if (windows === null) return null;
  const end = windows.reduce((most, { cpu, size }) => Math.max(most, saturatingAdd(cpu, size)), 0);
  return end >= SATURATED ? null : end;
}

/** What to add to a bus address of the first window to get the CPU's; 0 without windows. */
export const offsetOf = (windows: readonly DmaWindow[] | null): number => {
  const first = windows?.[0];
  return first === undefined ? 0 : first.cpu - first.bus;
};
