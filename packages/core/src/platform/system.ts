// SPDX-License-Identifier: MIT
import { parseSize } from "../address.ts";
import { COHERENCY_POLICY, type CoherencyPolicy } from "../buffer/coherency-policy.ts";
import { DMA_BUF_CORE, DmaBufCore } from "../buffer/dma-buf-core.ts";
import type { Exporter } from "../buffer/exporter.ts";
import type { Importer } from "../buffer/importer.ts";
import { KERNEL_PROFILE, type KernelProfile, linux612 } from "../buffer/kernel-profile.ts";
import { StaticImporter } from "../buffer/static-importer.ts";
import { AnalysisMachine } from "../coherency/analysis-machine.ts";
import { DataMachine } from "../coherency/data-machine.ts";
import { seeded } from "../coherency/eviction-policy.ts";
import type { Hazard } from "../coherency/hazard.ts";
import { MachinePair } from "../coherency/machine-pair.ts";
import type { MemoryMachine } from "../coherency/memory-machine.ts";
import { type Route, Topology } from "../coherency/topology.ts";
import { container, type DependencyContainer } from "../di.ts";
import { ARCH, type Arch } from "../dma/arch.ts";
import { CPU, Cpu } from "../dma/cpu.ts";
import { DMA_ALLOCATIONS, DmaAllocations } from "../dma/dma-allocations.ts";
import { DMA_API, DmaApi } from "../dma/dma-api.ts";
import type { DmaDevice } from "../dma/dma-device.ts";
import { DmaMasks, dmaBitMask } from "../dma/dma-mask.ts";
import { SWIOTLB } from "../dma/swiotlb/swiotlb.ts";
import { AssemblyError } from "../error.ts";
import type { IommuGroup } from "../iommu/iommu-group.ts";
import type { IommuUnit } from "../iommu/iommu-unit.ts";
import type { TableMemory } from "../iommu/table-memory.ts";
import { PhysicalMemory } from "../memory/physical-memory.ts";
import type { ScatterOptions } from "../memory/scatter.ts";
import { nearestName } from "../nearest-name.ts";
import {
  ANALYSIS_MACHINE,
  CPU_BANDWIDTH,
  MEMORY_MACHINE,
  PHYSICAL_MEMORY,
  RESV_POOL,
  SIMULATION,
} from "../service.ts";
import type { Scheduler } from "../sim/scheduler.ts";
import { Simulation } from "../sim/simulation.ts";
import { Timeline } from "../sim/timeline.ts";
import { FencePool } from "../sync/fence-pool.ts";
import { ResvPool } from "../sync/resv-pool.ts";
import { type Token, tokenName } from "../token.ts";
import type { BoardDescription, DeviceDescription, Port } from "./board.ts";
import { type BehindIommu, BoardIommus } from "./board-iommus.ts";
import { memoryOf } from "./board-memory.ts";
import { Bouncing } from "./bouncing.ts";
import { type CoherencyChoice, policyNamed } from "./coherency-choice.ts";
import { deviceConstraints } from "./device-constraints.ts";
import { windowsOf } from "./device-windows.ts";
import { MachineTables, type TableMemoryOptions } from "./machine-tables.ts";
import { type CoreServices, exportersFor, type Needs, type Plugin, type Services } from "./plugin.ts";
import { portOf, routeThrough } from "./port-route.ts";

/** How a system boots. */
export interface BootOptions {
  /** Behaviour of the kernel; default Debian's 6.12.117. */
  readonly kernel?: KernelProfile;
  /** Who keeps devices coherent; default what the kernel does. */
  readonly coherency?: CoherencyChoice;
  /** Seed of a data machine that runs beside the analysis, with real bytes and real lines; default none. */
  readonly data?: number;
  /** Hands out scattered pages, as on a machine that has run for a while; default in order. */
  readonly scatter?: ScatterOptions;
  /**
   * How many bounced mappings of the same bytes one device can have at a time; default 1. Each makes the states of a byte
   * 25 times as many while it is in use.
   */
  readonly bouncedCopies?: number;
  /** Who runs next when several are due, of one run; default whoever came first. */
  readonly scheduler?: Scheduler;
  /** False leaves out the search for races, which takes a fifth to a third of a run's time; default true. */
  readonly races?: boolean;
}

/** A hazard and the virtual time at which it happened. */
export interface TimedHazard extends Hazard {
  readonly time: number;
}

/** A board that runs: hardware, kernel and drivers, from power-on. A platform boots a fresh one for each run. */
export class System implements CoreServices, Disposable {
  readonly board: BoardDescription;
  readonly simulation: Simulation;
  readonly arch: Arch;
  readonly memory: PhysicalMemory;
  readonly analysis: AnalysisMachine;
  /** The same for page tables, which the CPU writes and the walkers of IOMMUs read. */
  readonly tableAnalysis: AnalysisMachine;
  /** The machine with real bytes, or null. */
  readonly data: DataMachine | null;
  readonly cpu: Cpu;
  readonly dma: DmaApi;
  readonly dmaAllocations: DmaAllocations;
  readonly dmaBuf: DmaBufCore;
  readonly kernel: KernelProfile;
  readonly policy: CoherencyPolicy;
  /** Whether races are looked for. */
  readonly seeksRaces: boolean;
  /** Everything that went wrong so far, in order. */
  readonly hazards: TimedHazard[] = [];
  /** What went wrong with page tables, in order. */
  readonly tableHazards: TimedHazard[] = [];
  /** Stale reads that the machine with real bytes ran into, in order. */
  readonly observed: TimedHazard[] = [];
  readonly #container: DependencyContainer = container.createChildContainer();
  readonly #devices = new Map<string, DmaDevice>();
  readonly #iommus: BoardIommus;
  readonly #units = new Map<string, () => IommuUnit>();
  readonly #exporters = new Map<string, () => Exporter>();
  readonly #importers = new Map<string, (device: DmaDevice) => Importer>();
  readonly #made = new Map<string, Exporter | Importer | IommuUnit>();
  readonly #disposables: Disposable[] = [];

  /** For `Platform.boot`, which has checked that the plugins fit. */
  constructor(description: BoardDescription, plugins: readonly Plugin[], options: BootOptions) {
    const { scheduler } = options;
    const simulation = new Simulation(scheduler === undefined ? {} : { scheduler });
    this.board = description;
    this.simulation = simulation;
    simulation.trace.record();
    this.kernel = options.kernel ?? linux612;
    this.seeksRaces = options.races ?? true;
    this.arch = archOf(plugins);
    const { scatter } = options;
    this.memory = new PhysicalMemory(memoryOf(description), scatter === undefined ? {} : { scatter });
    const bouncing = new Bouncing(description, this.arch, this.memory, options.bouncedCopies ?? 1);
    const topology = new Topology({ domains: { ...this.arch.domains, ...bouncing.domains } });
    this.analysis = new AnalysisMachine(topology, (hazard) => {
      this.hazards.push({ ...hazard, time: simulation.now });
    });
    this.tableAnalysis = new AnalysisMachine(topology, (hazard) => {
      this.tableHazards.push({ ...hazard, time: simulation.now });
    });
    this.data = options.data === undefined ? null : this.#dataMachine(topology, options.data);
    const machine: MemoryMachine =
      this.data === null ? this.analysis : new MachinePair(this.analysis, this.data);
    const services = this.#container;
    services.register(SIMULATION, { useValue: simulation });
    services.register(ARCH, { useValue: this.arch });
    services.register(MEMORY_MACHINE, { useValue: machine });
    services.register(SWIOTLB, { useValue: bouncing.start(machine) });
    services.register(ANALYSIS_MACHINE, { useValue: this.analysis });
    services.register(PHYSICAL_MEMORY, { useValue: this.memory });
    const fences = new FencePool(simulation, { namesEndAtSignal: this.kernel.fenceNamesEndAtSignal });
    services.register(RESV_POOL, { useValue: new ResvPool(simulation, fences) });
    services.register(CPU_BANDWIDTH, { useValue: parseSize(description.cpuBandwidth ?? "4GiB") });
    services.register(KERNEL_PROFILE, { useValue: this.kernel });
    services.registerSingleton(CPU, Cpu);
    services.registerSingleton(DMA_API, DmaApi);
    services.registerSingleton(DMA_ALLOCATIONS, DmaAllocations);
    services.registerSingleton(DMA_BUF_CORE, DmaBufCore);
    this.cpu = services.resolve<Cpu>(CPU);
    this.dma = services.resolve<DmaApi>(DMA_API);
    this.dmaAllocations = services.resolve<DmaAllocations>(DMA_ALLOCATIONS);
    this.policy = policyNamed(options.coherency ?? "kernel", this.analysis, this.dma, this.cpu);
    services.register(COHERENCY_POLICY, { useValue: this.policy });
    this.dmaBuf = services.resolve<DmaBufCore>(DMA_BUF_CORE);
    for (const plugin of plugins) this.#register(plugin);
    const owned = <T>(made: T): T => this.#owned(made);
    this.#iommus = new BoardIommus(description, { simulation, unit: this.iommu, owned });
    for (const [name, device] of Object.entries(description.devices)) {
      this.#devices.set(name, deviceFrom(name, device, topology, this, this.#iommus.of(name, device)));
    }
  }

  /** The devices by name, in the board's order. */
  get devices(): ReadonlyMap<string, DmaDevice> {
    return this.#devices;
  }

  /** The device of that name; throws `TypeError` for one that the board does not have. */
  readonly device = (name: string): DmaDevice => {
    const device = this.#devices.get(name);
    if (device !== undefined) return device;
    throw new TypeError(`no device "${name}"${nearestName(name, [...this.#devices.keys()])}`);
  };

  /** How accesses through a port reach memory: for a device whose mappings choose it one by one (D22). */
  readonly route = (port: Port): Route => this.analysis.topology.route(routeThrough(port, this.arch));

  /** The IOMMU of that name; throws `TypeError` for one that no plugin provides. */
  readonly iommu = (name: string): IommuUnit => {
    const make = this.#units.get(name);
    if (make === undefined) {
      throw new TypeError(
        `no plugin provides the IOMMU "${name}"${nearestName(name, [...this.#units.keys()])}`,
      );
    }
    return this.#once(`iommu ${name}`, make);
  };

  /** The devices that an IOMMU cannot tell from that one; null where no plugin's IOMMU is before it. */
  readonly iommuGroup = (name: string): IommuGroup | null => this.#iommus.group(this.device(name).name);

  /** Memory for the page tables of an IOMMU. */
  readonly tableMemory = (options: TableMemoryOptions): TableMemory => {
    const { simulation, memory, arch, cpu, tableAnalysis: machine } = this;
    return new MachineTables({ simulation, machine, memory, arch, cpu }, options);
  };

  /** The exporter of that name; throws `TypeError` for one that no plugin provides. */
  readonly exporter = (name: string): Exporter => {
    const make = this.#exporters.get(name);
    if (make === undefined) {
      throw new TypeError(`no exporter "${name}"${nearestName(name, [...this.#exporters.keys()])}`);
    }
    return this.#once(`exporter ${name}`, make);
  };

  /** The importer that drives a device: its plugin's, or the plain one that maps once and uses fences. */
  readonly importer = (name: string): Importer => {
    const device = this.device(name);
    const make = this.#importers.get(name) ?? ((only: DmaDevice) => new StaticImporter(only));
    return this.#once(`importer ${name}`, () => make(device));
  };

  /**
   * Powers off: whatever of the plugins' exporters, importers and services is disposable is disposed of, the last made
   * first. Errors are collected and thrown together, as `AggregateError`, when everything is done.
   */
  [Symbol.dispose](): void {
    const errors: unknown[] = [];
    for (const made of this.#disposables.splice(0).reverse()) {
      try {
        made[Symbol.dispose]();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, `${errors.length} plugins failed to power off`);
  }

  #dataMachine(topology: Topology, seed: number): DataMachine {
    const report = (hazard: Hazard): void => {
      this.observed.push({ ...hazard, time: this.simulation.now });
    };
    return new DataMachine(topology, { policy: seeded(seed), report });
  }

  #once<T extends Exporter | Importer | IommuUnit>(key: string, make: () => T): T {
    let made = this.#made.get(key) as T | undefined;
    if (made === undefined) {
      made = this.#owned(make());
      this.#made.set(key, made);
    }
    return made;
  }

  #owned<T>(made: T): T {
    if (typeof (made as Partial<Disposable> | null)?.[Symbol.dispose] === "function") {
      this.#disposables.push(made as T & Disposable);
    }
    return made;
  }

  #register(plugin: Plugin): void {
    const { needs, provides } = plugin;
    const { board, simulation, memory, cpu, dma, dmaAllocations, dmaBuf, kernel } = this;
    const core: CoreServices = {
      ...{ board, simulation, memory, cpu, dma, dmaAllocations, dmaBuf, kernel },
      ...{ device: this.device, route: this.route, tableMemory: this.tableMemory },
      ...{ iommu: this.iommu, iommuGroup: this.iommuGroup },
    };
    const resolved = (): Services<Needs> => {
      const needed = Object.entries(needs).map(([name, token]) => [name, this.#container.resolve(token)]);
      return { ...core, ...Object.fromEntries(needed) } as Services<Needs>;
    };
    for (const [name, make] of Object.entries(exportersFor(plugin, board))) {
      this.#exporters.set(name, () => make(resolved()));
    }
    for (const [name, make] of Object.entries(provides.importers ?? {})) {
      this.#importers.set(name, (device) => make(resolved(), device));
    }
    for (const [name, make] of Object.entries(provides.iommus ?? {})) {
      this.#units.set(name, () => make(resolved()));
    }
    for (const { token, create } of provides.services ?? []) {
      const once = new Map<Token<unknown>, unknown>();
      this.#container.register(token, {
        useFactory: () => {
          if (!once.has(token)) once.set(token, this.#owned(create(resolved())));
          return once.get(token);
        },
      });
    }
  }
}

function archOf(plugins: readonly Plugin[]): Arch {
  for (const { provides } of plugins) if (provides.arch !== undefined) return provides.arch();
  throw new AssemblyError(`no plugin provides ${tokenName(ARCH)}`);
}

function deviceFrom(
  name: string,
  description: DeviceDescription,
  topology: Topology,
  { arch, memory, simulation }: System,
  { iommu, translation, useDmaApi }: BehindIommu,
): DmaDevice {
  const { coherent, bandwidth = "1GiB", addressBits = 64, noSnoop = false } = description;
  const windows = windowsOf(description);
  const unsnoopedRoute = topology.route(routeThrough("direct", arch));
  const snoopedRoute = topology.route(routeThrough(portOf(description), arch));
  return {
    name,
    class: description.class,
    function: description.function ?? null,
    coherent,
    route: noSnoop ? unsnoopedRoute : snoopedRoute,
    snoopedRoute,
    unsnoopedRoute,
    windows,
    masks: new DmaMasks(name, windows, memory, dmaBitMask(addressBits), iommu !== null),
    iommu,
    ...(useDmaApi === undefined ? {} : { useDmaApi }),
    translation,
    untrusted: description.untrusted === true,
    constraints: deviceConstraints(description, name),
    minAlignMask: description.minAlignMask ?? 0,
    bandwidth: parseSize(bandwidth),
    timeline: new Timeline(simulation, name),
  };
}
