// SPDX-License-Identifier: MIT
import { registersOf } from "./address-translation.ts";
import { isPciBus } from "./bus.ts";
import { classOf, type DeviceClass, isNoMaster } from "./device-class.ts";
import type { DeviceNode } from "./device-node.ts";
import type { DeviceTree } from "./device-tree.ts";
import { isIommu } from "./iommu.ts";

/** A node taken as a DMA master, and why. */
export interface Candidate {
  readonly node: DeviceNode;
  readonly class: DeviceClass;
  /** What the class rests on: `compatible`, the node's name, or nothing but that it does DMA. */
  readonly by: "compatible" | "name" | "nothing";
  /** The node around it that is the same device (glue, subsystem), nearest first. */
  readonly wrappers: readonly DeviceNode[];
}

/** More masters than this are no board; every pair of them is a line of the share matrix. */
const MAX_MASTERS = 256;

const dmaProperties = ["iommus", "iommu-map", "dma-coherent", "dma-noncoherent"];
const buses = new Set(["simple-bus", "simple-mfd", "simple-pm-bus", "isa"]);

/** The PCI host bridge that `node` is, or sits behind; null when it has nothing to do with PCI. */
function pciHost(node: DeviceNode): DeviceNode | null {
  let host = isPciBus(node) ? node : node.parent !== null && isPciBus(node.parent) ? node.parent : null;
  while (host?.parent && isPciBus(host.parent)) host = host.parent;
  return host;
}

/**
 * The controller whose node Linux configures DMA with, for a device on a bus that is enumerated and not described:
 * the PCI host bridge, or Layerscape's management complex. Null for a device that its own node describes.
 * @see pci_dma_configure, fsl_mc_dma_configure
 */
export const dmaHost = (node: DeviceNode): DeviceNode | null =>
  pciHost(node) ?? (node.compatible.includes("fsl,qoriq-mc") ? node : null);

/** Whether `node` is on a bus that the CPU maps, or is a PCI function: what sits on I2C, SDIO or USB does no DMA. */
function isOnMemoryBus(node: DeviceNode): boolean {
  return node.has("reg") && (pciHost(node) !== null || registersOf(node) !== null);
}

/** Whether `node` is no device at all, or one whose DMA is not its own business to share. */
function isInfrastructure(node: DeviceNode): boolean {
  if (isIommu(node) || node.compatible.some((one) => buses.has(one))) return true;
  if (node.baseName === "interrupt-controller" || node.baseName === "msi-controller") return true;
  if (node.parent?.name === "reserved-memory") return true;
  const host = pciHost(node);
  return host !== null && host !== node && isPciBus(node);
}

function candidate(node: DeviceNode): Candidate | null {
  if (node.parent === null || !node.enabled) return null;
  const saysDma = dmaProperties.some((property) => node.has(property));
  const found = classOf(node.compatible, node.baseName);
  if ((found === null && !saysDma) || isInfrastructure(node)) return null;
  if (!saysDma && isNoMaster(node.compatible)) return null;
  // A DSP's context has a number instead of registers.
  const isContext = node.compatible.includes("qcom,fastrpc-compute-cb");
  if (!saysDma && !isContext && !isOnMemoryBus(node)) return null;
  // What no row knows is a bus when it maps children, an interrupt controller when it says so.
  if (found === null && (node.has("ranges") || node.has("interrupt-controller"))) return null;
  if (found === null) return { node, class: "dma", by: "nothing", wrappers: [] };
  return { node, class: found.class, by: found.byName ? "name" : "compatible", wrappers: [] };
}

/**
 * The DMA masters of a tree in document order. A device tree has no flag for them: taken are enabled nodes that carry
 * `iommus`, `iommu-map`, `dma-coherent` or `dma-noncoherent`, and those on a memory bus that the catalogue of classes
 * knows by `compatible` or by name; never buses, IOMMUs, interrupt controllers and PCI bridges. Where a node and one
 * inside of it are of one class, the inner one is the master. Throws `InputError` for more than 256 of them.
 */
export function candidates(tree: DeviceTree): Candidate[] {
  const all = new Map<DeviceNode, Candidate>();
  for (const node of tree.nodes) {
    const found = candidate(node);
    if (found === null) continue;
    if (all.size >= MAX_MASTERS) throw node.fault(`more than ${MAX_MASTERS} DMA masters`);
    all.set(node, found);
  }
  const wrappers = new Set<DeviceNode>();
  const masters = [...all.values()].map((one): Candidate => {
    const around: DeviceNode[] = [];
    for (let at = one.node.parent; at !== null; at = at.parent)
      if (all.get(at)?.class === one.class) around.push(at);
    for (const node of around) wrappers.add(node);
    return { ...one, wrappers: around };
  });
  return masters.filter(({ node }) => !wrappers.has(node));
}
