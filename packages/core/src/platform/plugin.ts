// SPDX-License-Identifier: MIT
import type { DmaBufCore } from "../buffer/dma-buf-core.ts";
import type { Exporter } from "../buffer/exporter.ts";
import type { Importer } from "../buffer/importer.ts";
import type { KernelProfile } from "../buffer/kernel-profile.ts";
import type { Route } from "../coherency/topology.ts";
import type { Arch } from "../dma/arch.ts";
import type { Cpu } from "../dma/cpu.ts";
import type { DmaAllocations } from "../dma/dma-allocations.ts";
import type { DmaApi } from "../dma/dma-api.ts";
import type { DmaDevice } from "../dma/dma-device.ts";
import { AssemblyError } from "../error.ts";
import type { IommuGroup } from "../iommu/iommu-group.ts";
import type { IommuUnit } from "../iommu/iommu-unit.ts";
import type { TableMemory } from "../iommu/table-memory.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import type { Simulation } from "../sim/simulation.ts";
import type { Token } from "../token.ts";
import type { BoardDescription, Port } from "./board.ts";
import type { TableMemoryOptions } from "./machine-tables.ts";

/** What core offers to every factory of a plugin, fresh for each running system. */
export interface CoreServices {
  /** Virtual time, tasks, tracepoints. */
  readonly simulation: Simulation;
  /** The board as it was described. */
  readonly board: BoardDescription;
  /** The board's memory and its allocators. */
  readonly memory: PhysicalMemory;
  /** The CPU's accesses and cache maintenance. */
  readonly cpu: Cpu;
  /** The DMA API. */
  readonly dma: DmaApi;
  /** Memory that is allocated for devices. */
  readonly dmaAllocations: DmaAllocations;
  /** dma-buf: exports buffers, lists them. */
  readonly dmaBuf: DmaBufCore;
  /** The behaviour of the kernel version that runs. */
  readonly kernel: KernelProfile;
  /** The device of that name; throws `TypeError` for one that the board does not have. */
  device(name: string): DmaDevice;
  /** The devices that an IOMMU cannot tell from that one, for a driver that manages addresses by itself; null for none. */
  iommuGroup(name: string): IommuGroup | null;
  /** The IOMMU of that name; throws `TypeError` for one that no plugin provides. */
  iommu(name: string): IommuUnit;
  /** Memory for the page tables of an IOMMU. */
  tableMemory(options: TableMemoryOptions): TableMemory;
  /** How accesses through a port reach memory: for a device whose mappings choose it one by one (D22). */
  route(port: Port): Route;
}

/** Services that a plugin needs from other plugins, by the names under which its factories see them. */
export type Needs = Readonly<Record<string, Token<unknown>>>;

/** The services behind the tokens. */
export type Resolved<N extends Needs> = { readonly [K in keyof N]: N[K] extends Token<infer T> ? T : never };

/** What a factory is called with. */
export type Services<N extends Needs> = CoreServices & Resolved<N>;

/** One service that a plugin provides to others. */
export interface ServiceProvider<N extends Needs> {
  readonly token: Token<unknown>;
  create(services: Services<N>): unknown;
}

/** Exporters by name. */
export type ExporterFactories<N extends Needs> = Readonly<
  Record<string, (services: Services<N>) => Exporter>
>;

/** What a plugin brings: factories, called once for each running system, when somebody asks. */
export interface Provides<N extends Needs> {
  /** The architecture. A platform has exactly one. */
  arch?(): Arch;
  /** Exporters by name: what `exporter:` in a pipeline chooses from; a function where that depends on the board. */
  readonly exporters?: ExporterFactories<N> | ((board: BoardDescription) => ExporterFactories<N>);
  /** Importers by the name of the device that they drive. */
  readonly importers?: Readonly<Record<string, (services: Services<N>, device: DmaDevice) => Importer>>;
  /** IOMMUs by the name that the board's devices give them. */
  readonly iommus?: Readonly<Record<string, (services: Services<N>) => IommuUnit>>;
  /** Services for other plugins. */
  readonly services?: readonly ServiceProvider<N>[];
}

/** What a plugin author writes. */
export interface PluginDefinition<N extends Needs> {
  /** The package, and what tells two plugins of one package apart: `"@acme/exporter-carveout"`. */
  readonly name: string;
  readonly needs?: N;
  readonly provides: Provides<N>;
}

/** A plugin as `assemble` takes it; `definePlugin` makes one. */
export interface Plugin {
  readonly name: string;
  readonly needs: Needs;
  readonly provides: Provides<Needs>;
}

/** Plugins made by this copy of core; one made by another copy is not in it. */
const made = new WeakSet<Plugin>();

/**
 * Makes a plugin from plain factories. Nothing runs before a platform boots. Throws `AssemblyError` for a plugin
 * without a name or without anything to provide.
 */
export function definePlugin<const N extends Needs = Record<never, never>>(
  definition: PluginDefinition<N>,
): Plugin {
  const { name, needs = {}, provides } = definition;
  if (name === "") throw new AssemblyError("a plugin needs a name");
  if (Object.keys(provides).length === 0) throw new AssemblyError(`plugin ${name} provides nothing`);
  const plugin = { name, needs, provides: provides as unknown as Provides<Needs> };
  made.add(plugin);
  return plugin;
}

/** The exporters that a plugin brings to a board. */
export function exportersFor({ provides }: Plugin, board: BoardDescription): ExporterFactories<Needs> {
  const { exporters = {} } = provides;
  return typeof exporters === "function" ? exporters(board) : exporters;
}

/** Whether this copy of core made the plugin. */
export const isOwnPlugin = (plugin: Plugin): boolean => made.has(plugin);
