// SPDX-License-Identifier: MIT
import { dmaBufExport } from "../buffer/buffer-trace.ts";
import { memoryExtents } from "../buffer/memory-extents.ts";
import type { Finding } from "../check/finding.ts";
import { Inspection } from "../check/inspection.ts";
import { ARCH } from "../dma/arch.ts";
import { AssemblyError } from "../error.ts";
import { nearestName } from "../nearest-name.ts";
import type { Process } from "../sim/process.ts";
import { type Token, tokenName } from "../token.ts";
import { checkAbilities } from "./abilities.ts";
import { type BoardDescription, board } from "./board.ts";
import { isEnabled, unitOf } from "./iommu-description.ts";
import { type Pipeline, type PlannedPipeline, planPipeline } from "./pipeline.ts";
import { exportersFor, isOwnPlugin, type Plugin } from "./plugin.ts";
import { runPlanned } from "./run.ts";
import type { RunReport } from "./run-report.ts";
import { runToEnd } from "./run-to-end.ts";
import { type BootOptions, System } from "./system.ts";

/** A board and the plugins that run it. It holds no state: every run boots a fresh system. */
export class Platform {
  readonly board: BoardDescription;
  readonly plugins: readonly Plugin[];

  /** For `assemble`. */
  constructor(description: BoardDescription, plugins: readonly Plugin[]) {
    this.board = description;
    this.plugins = plugins;
  }

  /** Names that `exporter:` in a pipeline may take, in order of assembly. */
  get exporterNames(): readonly string[] {
    return this.plugins.flatMap((plugin) => Object.keys(exportersFor(plugin, this.board)));
  }

  /** Names of the board's devices. */
  get deviceNames(): readonly string[] {
    return Object.keys(this.board.devices);
  }

  /** A system at power-on. */
  boot(options: BootOptions = {}): System {
    return new System(this.board, this.plugins, options);
  }

  /**
   * Runs a pipeline on a fresh system and judges it. Throws `InputError` for a pipeline that does not fit the platform;
   * `place` stands in front of the field. `options` win over what the pipeline says.
   */
  run(pipeline: Pipeline, options: BootOptions = {}, place = ""): RunReport {
    const { report, system } = this.judge(pipeline, options, place);
    system[Symbol.dispose]();
    return report;
  }

  /** As `run`, with the system as the run has left it, to look at; whoever looks disposes of it. */
  judge(pipeline: Pipeline, options: BootOptions = {}, place = ""): { report: RunReport; system: System } {
    const plan = planPipeline(pipeline, { devices: this.deviceNames, exporters: this.exporterNames }, place);
    const coherency = options.coherency ?? pipeline.coherency ?? "kernel";
    const system = this.boot({ bouncedCopies: mostStages(plan), ...options, coherency });
    checkAbilities(system, plan, place);
    return { report: runPlanned(system, plan, this.board.model), system };
  }

  /**
   * Boots a system, runs one process on it to the end and returns the process's result. Throws what the process throws,
   * and `KernelError` EDEADLK when it never ends.
   */
  simulate<T>(process: (system: System) => Process<T>, options: BootOptions = {}): T {
    using system = this.boot(options);
    return system.simulation.complete("main", process(system));
  }

  /**
   * As `simulate`, with what was found: hazards, deadlocks, what the kernel would have warned of, and what the process did
   * not give back. The result is null when the process never ends, or the kernel would have stopped with a BUG. Throws what
   * the process throws.
   */
  inspect<T>(
    process: (system: System) => Process<T>,
    options: BootOptions = {},
  ): { result: T | null; findings: readonly Finding[] } {
    using system = this.boot(options);
    const inspection = new Inspection(system, []);
    system.simulation.trace.subscribe(dmaBufExport, (event) => {
      const buffer = system.dmaBuf.find(event.get("ino"));
      const extents = buffer === undefined ? null : memoryExtents(buffer);
      if (extents !== null) inspection.buffers.add(event.text("exp_name"), event.get("ino"), extents);
    });
    const main = system.simulation.spawn("main", process(system));
    const end = runToEnd(system.simulation);
    const { findings } = inspection.finish(end, main.done);
    return { result: main.done && !end.stopped ? main.result : null, findings };
  }
}

/**
 * Wires plugins to a board. Throws `InputError` for a board that is none, `AssemblyError` in one line for plugins that do
 * not fit: a provider missing, given twice or cyclic, a device that the board does not have, or a plugin that another
 * copy of core has made.
 */
export function assemble(description: BoardDescription, plugins: readonly Plugin[]): Platform {
  board(description);
  for (const plugin of plugins) {
    if (isOwnPlugin(plugin)) continue;
    const name = (plugin as { name?: unknown } | undefined)?.name;
    throw new AssemblyError(
      `${String(name)} was made by another copy of @dmabuf/core; install one version of it`,
    );
  }
  const providers = providersOf(plugins);
  if (!providers.has(ARCH)) throw new AssemblyError("no plugin provides Arch; add one, such as arm64()");
  for (const { name, needs } of plugins) {
    for (const needed of Object.values(needs)) {
      if (providers.has(needed)) continue;
      throw new AssemblyError(`${name} needs ${tokenName(needed)}, which no plugin provides`);
    }
  }
  refuseCycles(plugins, providers);
  checkNames(description, plugins);
  checkIommus(description, plugins);
  return new Platform(description, plugins);
}

/** Every IOMMU that a device is behind is there, where it is not switched off. */
function checkIommus(description: BoardDescription, plugins: readonly Plugin[]): void {
  const { devices, model } = description;
  const provided = plugins.flatMap(({ provides }) => Object.keys(provides.iommus ?? {}));
  for (const [name, device] of Object.entries(devices)) {
    const unit = unitOf(device)?.unit;
    if (unit === undefined || provided.includes(unit) || !isEnabled(description, unit)) continue;
    const hint = nearestName(unit, provided);
    const kind = description.iommus?.[unit]?.kind;
    const what = kind === undefined ? `"${unit}"` : `"${unit}" (${kind})`;
    throw new AssemblyError(`${model}: ${name} is behind ${what}, an IOMMU that no plugin provides${hint}`);
  }
}

/** How many stages of a plan one device has at most: each attaches for itself. */
function mostStages({ stages }: PlannedPipeline): number {
  const count = new Map<string, number>();
  for (const { device } of stages) if (device !== null) count.set(device, (count.get(device) ?? 0) + 1);
  return Math.max(1, ...count.values());
}

function providersOf(plugins: readonly Plugin[]): Map<Token<unknown>, Plugin> {
  const providers = new Map<Token<unknown>, Plugin>();
  for (const plugin of plugins) {
    const { provides } = plugin;
    const tokens = (provides.services ?? []).map(({ token }) => token);
    if (provides.arch !== undefined) tokens.push(ARCH);
    for (const token of tokens) {
      const other = providers.get(token);
      if (other !== undefined) {
        throw new AssemblyError(`${other.name} and ${plugin.name} both provide ${tokenName(token)}`);
      }
      providers.set(token, plugin);
    }
  }
  return providers;
}

function refuseCycles(plugins: readonly Plugin[], providers: ReadonlyMap<Token<unknown>, Plugin>): void {
  const settled = new Set<Plugin>();
  const visit = (plugin: Plugin, path: readonly Plugin[]): void => {
    if (settled.has(plugin)) return;
    if (path.includes(plugin)) {
      const cycle = [...path.slice(path.indexOf(plugin)), plugin].map(({ name }) => name);
      throw new AssemblyError(`plugins need each other in a circle: ${cycle.join(" -> ")}`);
    }
    for (const needed of Object.values(plugin.needs))
      visit(providers.get(needed) as Plugin, [...path, plugin]);
    settled.add(plugin);
  };
  for (const plugin of plugins) visit(plugin, []);
}

function checkNames(description: BoardDescription, plugins: readonly Plugin[]): void {
  const { model, devices } = description;
  const taken = new Map<string, Plugin>();
  for (const plugin of plugins) {
    const { importers = {} } = plugin.provides;
    const exporters = exportersFor(plugin, description);
    for (const device of Object.keys(importers)) {
      if (Object.hasOwn(devices, device)) continue;
      const hint = nearestName(device, Object.keys(devices));
      throw new AssemblyError(`${plugin.name} drives "${device}", which ${model} does not have${hint}`);
    }
    const { iommus = {} } = plugin.provides;
    const names = [
      ...Object.keys(iommus).map((name) => `the IOMMU "${name}"`),
      ...Object.keys(exporters).map((name) => `the exporter "${name}"`),
      ...Object.keys(importers).map((name) => `the importer of "${name}"`),
    ];
    for (const name of names) {
      const other = taken.get(name);
      if (other !== undefined)
        throw new AssemblyError(`${other.name} and ${plugin.name} both provide ${name}`);
      taken.set(name, plugin);
    }
  }
}
