// SPDX-License-Identifier: MIT
// The coherency engine: `@dmabuf/core/coherency`.
export { AnalysisMachine } from "./coherency/analysis-machine.ts";
export type { BouncePath, CopyKind } from "./coherency/bounce-slot.ts";
export {
  type ByteState,
  byteStateCount,
  Copy,
  copyOf,
  describeByteState,
  initialByteState,
  isLost,
  memoryStale,
} from "./coherency/byte-state.ts";
export { DataMachine, type DataMachineOptions } from "./coherency/data-machine.ts";
export { type StackProblem, stackProblem } from "./coherency/domain-stack.ts";
export { type EventSite, type EvictionPolicy, quiet, seeded } from "./coherency/eviction-policy.ts";
export type { Hazard } from "./coherency/hazard.ts";
export { type LitmusHazard, type LitmusResult, runLitmus } from "./coherency/litmus.ts";
export { type OrderProblem, orderProblem } from "./coherency/litmus-order.ts";
export type {
  LitmusFence,
  LitmusProgram,
  LitmusStep,
  TimedLitmusProgram,
} from "./coherency/litmus-program.ts";
export type { Conflict, LitmusRace } from "./coherency/litmus-race.ts";
export { lineCount, type MaintenanceCost } from "./coherency/maintenance-cost.ts";
export type { MemoryMachine } from "./coherency/memory-machine.ts";
export { type MaintenanceStep, type NextMaintenance, nextMaintenance } from "./coherency/next-maintenance.ts";
export type { AccessKind, MaintenanceKind, Operation } from "./coherency/operation.ts";
export { OperationLog, type Touch } from "./coherency/operation-log.ts";
export type { Choice } from "./coherency/passage.ts";
export {
  maintenanceOf,
  needlessMaintenance,
  type PerformedMaintenance,
  performedMaintenance,
} from "./coherency/performed-maintenance.ts";
export {
  type Placement,
  type RequiredMaintenance,
  requiredMaintenance,
} from "./coherency/required-maintenance.ts";
export type { EventKind } from "./coherency/spontaneous-event.ts";
export {
  type BounceSpec,
  type Domain,
  type DomainSpec,
  type Route,
  type RouteSpec,
  Topology,
  type TopologySpec,
} from "./coherency/topology.ts";
export { Flag, type StateId, TransitionTable } from "./coherency/transition-table.ts";
export { findWitness, type WitnessGoal, type WitnessStep } from "./coherency/witness.ts";
export { type Replay, replayWitness } from "./coherency/witness-replay.ts";
export { Extents } from "./memory/extents.ts";
