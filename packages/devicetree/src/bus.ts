// SPDX-License-Identifier: MIT
import { numberAt } from "./cell.ts";
import type { DeviceNode } from "./device-node.ts";

/** More address cells than this are no address. @see OF_MAX_ADDR_CELLS */
const MAX_ADDRESS_CELLS = 4;

/** An address on a bus. `flags` is the cell that a bus with typed addresses (PCI) puts in front, else 0. */
export interface BusAddress {
  readonly flags: number;
  readonly value: number;
}

/** How the children of a node write addresses. @see of_match_bus */
export interface Bus {
  readonly kind: "pci" | "isa" | "flags" | "plain";
  /** Cells in front of the number: 1 where an address has a type. */
  readonly flagCells: 0 | 1;
}

const plain: Bus = { kind: "plain", flagCells: 0 };
const withFlags: Bus = { kind: "flags", flagCells: 1 };
const pci: Bus = { kind: "pci", flagCells: 1 };
const isa: Bus = { kind: "isa", flagCells: 1 };

const pciTypes = new Set(["pci", "pciex", "vci", "ht"]);

/** Whether `node` is a PCI bus: a host bridge or a bridge behind one. @see of_bus_pci_match */
export const isPciBus = (node: DeviceNode): boolean =>
  pciTypes.has(node.string("device_type") ?? "") || node.baseName === "pcie";

/** Cells of a count property, from the node or the nearest ancestor that has it; 1 when none does. */
function inheritedCells(node: DeviceNode, property: string, most: number): number {
  for (let at: DeviceNode | null = node; at !== null; at = at.parent) {
    const count = at.u32(property);
    if (count === null) continue;
    if (count <= most) return count;
    const reason = `${count} cells; no address or size has more than ${most}`;
    throw at.properties.get(property)?.fault(0, reason) ?? at.fault(reason);
  }
  return 1;
}

/** Cells of an address on the bus that `node` is. @see of_bus_n_addr_cells */
export const addressCells = (node: DeviceNode): number =>
  inheritedCells(node, "#address-cells", MAX_ADDRESS_CELLS);

/** Cells of a size on the bus that `node` is. @see of_bus_n_size_cells */
export const sizeCells = (node: DeviceNode): number => inheritedCells(node, "#size-cells", MAX_ADDRESS_CELLS);

/** A node never changes, and is asked for every device below it. */
const known = new WeakMap<DeviceNode, Bus>();

/** The kind of bus that `node` is for its children. Three address cells mean a flags cell. @see of_match_bus */
export function busOf(node: DeviceNode): Bus {
  const bus = known.get(node) ?? matchBus(node);
  known.set(node, bus);
  return bus;
}

function matchBus(node: DeviceNode): Bus {
  if (isPciBus(node)) return pci;
  if (node.baseName === "isa") return isa;
  return addressCells(node) === 3 ? withFlags : plain;
}

/** Cells of addresses and sizes that a child on `bus` uses; `holder` is the node whose counts apply. */
export function childCells(
  bus: Bus,
  holder: DeviceNode,
): { readonly address: number; readonly size: number } {
  if (bus.kind === "pci") return { address: 3, size: 2 };
  if (bus.kind === "isa") return { address: 2, size: 1 };
  return { address: addressCells(holder), size: sizeCells(holder) };
}

/** The address of `count` cells at byte `at`, its flags cell apart. */
export function addressAt(bytes: Uint8Array, at: number, count: number, bus: Bus): BusAddress {
  const flagCells = Math.min(bus.flagCells, count);
  return {
    flags: numberAt(bytes, at, flagCells),
    value: numberAt(bytes, at + 4 * flagCells, count - flagCells),
  };
}

/** PCI's address space code: 1 is I/O, 2 and 3 are memory, 0 is configuration space. */
const pciSpace = (flags: number): "io" | "memory" | "none" => {
  const code = Math.floor(flags / 2 ** 24) % 4;
  return code === 1 ? "io" : code === 0 ? "none" : "memory";
};

/** Whether two addresses are of one type, so that a range of the one kind can hold the other. */
export function sameType(bus: Bus, a: BusAddress, b: BusAddress): boolean {
  if (bus.kind === "pci") return pciSpace(a.flags) === pciSpace(b.flags);
  if (bus.kind === "isa") return a.flags % 2 === b.flags % 2;
  return a.flags === b.flags;
}
