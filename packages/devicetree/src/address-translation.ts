// SPDX-License-Identifier: MIT
import { addressAt, type Bus, type BusAddress, busOf, childCells, sameType } from "./bus.ts";
import { numberAt, SATURATED, saturatingAdd } from "./cell.ts";
import type { DeviceNode } from "./device-node.ts";
import type { Property } from "./property.ts";

/** Which property translates, and whose parent is the next bus up. */
interface Upwards {
  readonly property: "ranges" | "dma-ranges";
  readonly parent: (node: DeviceNode) => DeviceNode | null;
}

/** No bus has more windows than this; a blob that says so is corrupt, and would take forever to work through. */
const MAX_ENTRIES = { ranges: 128, "dma-ranges": 32 } as const;

/** Refuses a ranges property whose entries, `entry` bytes each, are of no size or absurdly many. */
export function checkEntries(ranges: Property, entry: number, kind: keyof typeof MAX_ENTRIES): void {
  const most = MAX_ENTRIES[kind];
  if (entry === 0) throw ranges.fault(0, "its addresses and sizes are of 0 cells");
  if (ranges.bytes.length > most * entry) throw ranges.fault(most * entry, `more than ${most} entries`);
}

/** How addresses are written on one bus. */
interface Format {
  readonly bus: Bus;
  /** Cells of an address. */
  readonly address: number;
  /** Cells of a size. */
  readonly size: number;
}

/** The format that `child` uses on `parent`; null where Linux cannot translate: no address cells, sizes of no cells. */
function formatOf(parent: DeviceNode, child: DeviceNode): Format | null {
  const bus = busOf(parent);
  const { address, size } = childCells(bus, child.parent ?? child);
  return address > 0 && size > 0 ? { bus, address, size } : null;
}

/** One bus on the way up, from the addresses below it to those above; null ranges are 1:1. */
interface Step {
  readonly below: Format;
  readonly above: Format;
  readonly ranges: Property | null;
}

function climb({ below, above, ranges }: Step, address: BusAddress): BusAddress | null {
  if (ranges === null) return { flags: above.bus.flagCells === 0 ? 0 : address.flags, value: address.value };
  const { bytes } = ranges;
  const entry = 4 * (below.address + above.address + below.size);
  const flagCells = Math.min(below.bus.flagCells, below.address);
  for (let at = 0; at + entry <= bytes.length; at += entry) {
    const first = numberAt(bytes, at + 4 * flagCells, below.address - flagCells);
    if (address.value < first) continue;
    const size = numberAt(bytes, at + 4 * (below.address + above.address), below.size);
    if (address.value >= first + size) continue;
    if (!sameType(below.bus, address, addressAt(bytes, at, below.address, below.bus))) continue;
    const parent = addressAt(bytes, at + 4 * below.address, above.address, above.bus);
    return { flags: parent.flags, value: saturatingAdd(parent.value, address.value - first) };
  }
  return null;
}

/**
 * The way of addresses from the bus that a node sits on to the CPU's, worked out once for all of the node's.
 * @see __of_translate_address
 */
export class Route {
  /** Null where no address gets through: a bus on the way is not memory mapped. */
  readonly #steps: readonly Step[] | null;
  readonly #start: Format | null;

  constructor(node: DeviceNode, { property, parent }: Upwards) {
    const first = parent(node);
    this.#start = first === null ? null : formatOf(first, node);
    this.#steps =
      this.#start === null || first === null ? null : this.#climbFrom(first, this.#start, property, parent);
  }

  #climbFrom(
    first: DeviceNode,
    start: Format,
    property: Upwards["property"],
    parent: Upwards["parent"],
  ): Step[] | null {
    const steps: Step[] = [];
    let below = start;
    for (let here = first, next = parent(here); next !== null; here = next, next = parent(here)) {
      const above = formatOf(next, here);
      const ranges = here.properties.get(property);
      // Without ranges a bus is not mapped for the CPU, but without dma-ranges it is 1:1 for DMA.
      if (above === null || (ranges === undefined && property === "ranges")) return null;
      const isEmpty = ranges === undefined || ranges.bytes.length === 0;
      if (!isEmpty) checkEntries(ranges, 4 * (below.address + above.address + below.size), property);
      steps.push({ below, above, ranges: isEmpty ? null : ranges });
      below = above;
    }
    return steps;
  }

  /** The CPU's physical address of the one at byte `at`; null where it has none. */
  translate(bytes: Uint8Array, at: number): number | null {
    const start = this.#start;
    if (start === null || this.#steps === null || at + 4 * start.address > bytes.length) return null;
    let address: BusAddress | null = addressAt(bytes, at, start.address, start.bus);
    for (const step of this.#steps) {
      address = climb(step, address);
      if (address === null) return null;
    }
    return Math.min(address.value, SATURATED);
  }
}

/** The CPU's physical address of a node's first registers; null when it has none that the CPU maps. */
export function registersOf(node: DeviceNode): number | null {
  const reg = node.properties.get("reg");
  if (reg === undefined) return null;
  return new Route(node, { property: "ranges", parent: (one) => one.parent }).translate(reg.bytes, 0);
}
