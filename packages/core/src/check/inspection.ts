// SPDX-License-Identifier: MIT
import type { DmaBufCore } from "../buffer/dma-buf-core.ts";
import type { AnalysisMachine } from "../coherency/analysis-machine.ts";
import type { Hazard } from "../coherency/hazard.ts";
import { type RequiredMaintenance, requiredMaintenance } from "../coherency/required-maintenance.ts";
import type { Cpu } from "../dma/cpu.ts";
import type { DmaApi } from "../dma/dma-api.ts";
import type { DmaDevice } from "../dma/dma-device.ts";
import type { Simulation } from "../sim/simulation.ts";
import type { BlockedTask, BusyTask } from "../sim/simulation-report.ts";
import { AccessLedger, type LedgerStage } from "./access-ledger.ts";
import { BounceChecker } from "./bounce-checker.ts";
import { BracketChecker } from "./bracket-checker.ts";
import { BufferMap } from "./buffer-map.ts";
import { DmaDebug } from "./dma-debug/dma-debug.ts";
import { type Finding, mergeFindings } from "./finding.ts";
import { type HazardContext, hazardFindings } from "./hazard-finding.ts";
import { IommuChecker } from "./iommu-checker.ts";
import { FencePromiseChecker } from "./lock/fence-promise-checker.ts";
import { LockChecker } from "./lock/lock-checker.ts";
import { MemoryTypeChecker } from "./memory-type-checker.ts";
import { needlessFindings } from "./needless-finding.ts";
import { RaceChecker } from "./race/race-checker.ts";
import { raceFindings } from "./race/race-finding.ts";
import { StepText } from "./step-text.ts";
import { deadlockFindings, diagnosticFindings, leakFindings, livelockFindings } from "./system-checker.ts";

/** The system that is inspected, as far as an inspection looks at it. */
export interface Inspected {
  readonly simulation: Simulation;
  readonly analysis: AnalysisMachine;
  readonly dmaBuf: DmaBufCore;
  readonly dma: DmaApi;
  readonly cpu: Cpu;
  readonly devices: ReadonlyMap<string, DmaDevice>;
  readonly hazards: readonly (Hazard & { time: number })[];
  /** The machine for page tables, and what went wrong there. */
  readonly tableAnalysis: AnalysisMachine;
  readonly tableHazards: readonly (Hazard & { time: number })[];
  /** Whether races are looked for. */
  readonly seeksRaces: boolean;
}

/** How an inspected run came to its end. */
export interface RunEnd {
  /** Tasks that wait for ever. */
  readonly blocked: readonly BlockedTask[];
  /** Tasks that ran and ran without anything coming of it, or null. */
  readonly livelock: readonly BusyTask[] | null;
  /** Whether a BUG cut it short: what is still pending or held then says nothing. */
  readonly stopped: boolean;
}

/** Watches a system from power-on and says at the end what it found. */
export class Inspection {
  /** Which memory belongs to which buffer; whoever allocates says so. */
  readonly buffers = new BufferMap();
  readonly #system: Inspected;
  readonly #ledger: AccessLedger;
  readonly #brackets: BracketChecker;
  readonly #memoryTypes: MemoryTypeChecker;
  readonly #races: RaceChecker | null;
  readonly #dmaDebug: DmaDebug;
  readonly #iommu: IommuChecker;
  readonly #bounces: BounceChecker;
  readonly #locks: LockChecker;
  readonly #promises: FencePromiseChecker;

  /** @param stages whose accesses are to be told apart; none for a process of one's own. */
  constructor(system: Inspected, stages: readonly LedgerStage[]) {
    const { trace } = system.simulation;
    this.#system = system;
    this.#ledger = new AccessLedger(stages, this.buffers, trace);
    this.#brackets = new BracketChecker(trace);
    this.#memoryTypes = new MemoryTypeChecker(trace);
    this.#races = system.seeksRaces ? new RaceChecker(trace, system.analysis, this.buffers) : null;
    this.#dmaDebug = new DmaDebug(
      trace,
      system.cpu.line,
      (name) => system.devices.get(name)?.coherent ?? false,
    );
    this.#iommu = new IommuChecker(trace, this.buffers);
    this.#bounces = new BounceChecker(trace);
    this.#locks = new LockChecker(trace);
    this.#promises = new FencePromiseChecker(trace);
  }

  /**
   * Everything that was found, equal ones once.
   * @param done whether the main process has come to its end: what it still holds is a leak then
   */
  finish(
    { blocked, livelock, stopped }: RunEnd,
    done: boolean,
  ): { findings: Finding[]; required: RequiredMaintenance } {
    const { simulation, analysis, dmaBuf, dma, cpu, hazards, tableAnalysis, tableHazards } = this.#system;
    const { trace, now } = simulation;
    const { buffers } = this;
    const ended = done && !stopped;
    const waiting = blocked.map(({ timeline }) => timeline);
    const context = this.#context(analysis);
    const { required, text } = context;
    const findings = mergeFindings([
      ...this.#iommu.attributed(hazardFindings(hazards, context)),
      ...(tableHazards.length === 0 ? [] : hazardFindings(tableHazards, this.#context(tableAnalysis))),
      ...raceFindings(this.#races?.finish() ?? [], context),
      ...deadlockFindings(blocked),
      ...livelockFindings(livelock, now),
      ...this.#locks.findings(),
      ...this.#promises.finish(stopped ? null : now),
      ...diagnosticFindings(simulation),
      ...this.#brackets.finish(now),
      ...this.#memoryTypes.findings(),
      ...this.#dmaDebug.findings(),
      ...this.#iommu.findings(),
      ...this.#bounces.findings(buffers),
      ...(ended ? leakFindings(dmaBuf, dma, simulation) : []),
      ...(ended ? this.#locks.leaks(waiting, now) : []),
      ...needlessFindings(analysis, cpu.maintenanceCost, trace, buffers, text),
    ]);
    return { findings, required };
  }

  #context(machine: AnalysisMachine): HazardContext {
    const { simulation, cpu } = this.#system;
    const { trace } = simulation;
    const { buffers } = this;
    return {
      ...{ machine, trace, ledger: this.#ledger, buffers, writeBarrier: cpu.writeBarrier },
      text: new StepText(machine, trace, this.#ledger, buffers),
      required: requiredMaintenance(machine.table, machine.log, cpu.maintenanceCost),
    };
  }
}
