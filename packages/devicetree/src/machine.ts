// SPDX-License-Identifier: MIT
import { registersOf } from "./address-translation.ts";
import { type Architecture, architectureOf, coherentByDefault } from "./architecture.ts";
import { SATURATED } from "./cell.ts";
import { type CpuFacts, cpusOf } from "./cpu.ts";
import type { DeviceClass } from "./device-class.ts";
import type { DeviceNode } from "./device-node.ts";
import type { DeviceTree } from "./device-tree.ts";
import { coherence } from "./dma-coherence.ts";
import { DmaParents } from "./dma-parent.ts";
import { DmaRanges, type DmaWindow, limitOf, offsetOf } from "./dma-range.ts";
import { type IommuFacts, type IommuUse, type IommuView, iommusOf, iommuView } from "./iommu.ts";
import { type Candidate, candidates, dmaHost } from "./master.ts";
import { ramOf } from "./memory.ts";
import { type OuterCacheFacts, outerCacheOf } from "./outer-cache.ts";
import { isRestricted, memoryRegions, type PoolFacts, poolsOf } from "./pool.ts";
import type { MemoryRange } from "./reserve-map.ts";

/** A device that reads and writes memory by itself, as Linux sees it from the blob. */
export interface MachineMaster {
  /** Full path of its node. */
  readonly path: string;
  readonly class: DeviceClass;
  /** Its `compatible` strings, most specific first. */
  readonly compatible: readonly string[];
  /** The CPU's physical address of its first registers; null when it has none that the CPU maps. */
  readonly base: number | null;
  /** Whether its DMA sees the CPU's caches. @see of_dma_is_coherent */
  readonly coherent: boolean;
  /** Path of the node whose property says so, its own or an ancestor's; null: the architecture's default. */
  readonly coherentFrom: string | null;
  /** The enabled IOMMUs it sits behind. */
  readonly iommus: readonly IommuUse[];
  /** Whether they translate all its DMA: it names some, and none of those is disabled. */
  readonly translated: boolean;
  /** What its addresses show of the CPU's, from `dma-ranges`; null when nothing limits it. */
  readonly windows: readonly DmaWindow[] | null;
  /** The highest CPU physical address that a window reaches, plus one; null when nothing limits it. */
  readonly limit: number | null;
  /** CPU address minus bus address of the first window; 0 without windows. */
  readonly offset: number;
  /** Paths of the enabled reserved regions that it names. */
  readonly memoryRegions: readonly string[];
  /** Path of the reserved region that all its DMA is copied through, null for almost all. */
  readonly restrictedTo: string | null;
}

/** All that a blob says for a model of the machine. */
export interface MachineFacts {
  readonly model: string | null;
  readonly compatible: readonly string[];
  /** From the CPU nodes; null when they tell nothing. */
  readonly architecture: Architecture | null;
  readonly cpus: readonly CpuFacts[];
  /** The largest data cache line of the CPUs in bytes; null when the blob gives none. */
  readonly cacheLine: number | null;
  /** The cache behind the CPUs' own that has to be maintained by its registers; null when there is none. */
  readonly outerCache: OuterCacheFacts | null;
  /** In document order, like everything here. */
  readonly masters: readonly MachineMaster[];
  /** All IOMMUs, disabled ones too. */
  readonly iommus: readonly IommuFacts[];
  readonly pools: readonly PoolFacts[];
  /** Empty when the blob leaves it to a boot loader. */
  readonly ram: readonly MemoryRange[];
  /** The memory reservation block. */
  readonly reserved: readonly MemoryRange[];
  /** What the facts rest on that the blob does not say, in words. */
  readonly assumed: readonly string[];
}

/** Answers for one master after the other, with what they have in common computed once. */
class MasterReader {
  readonly #tree: DeviceTree;
  readonly #parents: DmaParents;
  readonly #ranges: DmaRanges;
  readonly #byDefault: boolean;
  /** Lines for `assumed`, each once. */
  readonly notes = new Set<string>();

  constructor(tree: DeviceTree, byDefault: boolean) {
    this.#tree = tree;
    this.#parents = new DmaParents(tree);
    this.#ranges = new DmaRanges(this.#parents);
    this.#byDefault = byDefault;
  }

  read({ node, class: kind, wrappers }: Candidate): MachineMaster {
    const host = dmaHost(node);
    const chain = this.#parents.chain(host ?? node);
    const view = this.#ranges.view(host === null ? chain.slice(1) : chain);
    if (view.ignored !== null) this.notes.add(`${view.ignored}: its devices are taken as not limited`);
    const { uses, translated } = this.#iommus(
      host ?? node,
      host !== null,
      kind === "display" ? wrappers : [],
    );
    const regions = memoryRegions(this.#tree, node);
    const offset = offsetOf(view.windows);
    if (Math.abs(offset) >= SATURATED)
      this.notes.add(`${node.path}: its offset of 2^53 or more is cut to that`);
    return {
      path: node.path,
      class: kind,
      compatible: node.compatible,
      base: registersOf(node),
      ...coherence(chain, this.#byDefault),
      iommus: uses,
      translated,
      windows: view.windows,
      limit: limitOf(view.windows),
      offset,
      memoryRegions: regions.map((region) => region.path),
      restrictedTo: regions.find(isRestricted)?.path ?? null,
    };
  }

  /** A display driver attaches the IOMMU of the subsystem around it when its own node names none. @see msm_kms_init_vm */
  #iommus(node: DeviceNode, isHost: boolean, wrappers: readonly DeviceNode[]): IommuView {
    const named = [node, ...wrappers].find((one) => one.has("iommus") || (isHost && one.has("iommu-map")));
    const view = iommuView(this.#tree, named ?? node, isHost);
    if (named !== undefined && named !== node)
      this.notes.add(`${node.path}: behind the IOMMU of ${named.path}, which it is a part of`);
    for (const line of view.assumed) this.notes.add(line);
    return view;
  }
}

/** The lines that say what the classes of the masters rest on. */
function classNotes(found: readonly Candidate[]): string[] {
  const byName = found.filter((one) => one.by === "name").map((one) => `${one.node.path} (${one.class})`);
  const unknown = found.filter((one) => one.by === "nothing").map((one) => one.node.path);
  return [
    ...(byName.length > 0
      ? [`the class of these is taken from the name of the node: ${byName.join(", ")}`]
      : []),
    ...(unknown.length > 0
      ? [`these are of no class that is known and count as dma: ${unknown.join(", ")}`]
      : []),
  ];
}

function coherencyNotes(architecture: Architecture | null, masters: readonly MachineMaster[]): string[] {
  const silent = masters.filter((master) => master.coherentFrom === null).length;
  if (silent === 0) return [];
  const many = `${silent} of ${masters.length} masters`;
  if (architecture === null)
    return [
      `the blob names no CPU that is known: the ${many} that say nothing of coherency are taken as not coherent`,
    ];
  const not = coherentByDefault[architecture] ? "" : "not ";
  const unless = architecture === "powerpc" ? ", unless the kernel is built with NOT_COHERENT_CACHE" : "";
  return [`${many} say nothing of coherency: ${not}coherent, the default of ${architecture}${unless}`];
}

/**
 * Everything that a device tree says about DMA, for building a model of the machine: CPUs, masters with their
 * registers and windows, IOMMUs, reserved memory, RAM. Throws `InputError` with the byte offset where the blob cannot
 * be made sense of: cells that do not fit, DMA parents in a circle.
 */
export function describeMachine(tree: DeviceTree): MachineFacts {
  const architecture = architectureOf(tree);
  const cpus = cpusOf(tree);
  const lines = cpus.flatMap((cpu) => cpu.cacheLine ?? []);
  const found = candidates(tree);
  const reader = new MasterReader(tree, architecture !== null && coherentByDefault[architecture]);
  const masters = found.map((one) => reader.read(one));
  const ram = ramOf(tree);
  return {
    model: tree.root.string("model"),
    compatible: tree.root.compatible,
    architecture,
    cpus,
    cacheLine: lines.length > 0 ? Math.max(...lines) : null,
    outerCache: outerCacheOf(tree),
    masters,
    iommus: iommusOf(tree),
    pools: poolsOf(tree),
    ram,
    reserved: tree.reserved,
    assumed: [
      ...(ram.length === 0 ? ["the blob gives no RAM; limits are not compared with it"] : []),
      ...coherencyNotes(architecture, masters),
      ...classNotes(found),
      ...reader.notes,
      ...(masters.some((master) => master.translated)
        ? ["enabled IOMMUs are taken as in use by their driver"]
        : []),
      "address masks, segment sizes and contiguity are the drivers'; limits here are those of dma-ranges alone",
    ],
  };
}
