// SPDX-License-Identifier: MIT

export type { BlockOptions, Wakeup } from "./sim/block.ts";
export { Clock, MICROSECOND, MILLISECOND, SECOND } from "./sim/clock.ts";
export { type Diagnostic, type DiagnosticSeverity, Diagnostics, kernelWarning } from "./sim/diagnostic.ts";
export {
  type Exhaustive,
  type ExploreOptions,
  explore,
  exploreAll,
  type FailingSchedule,
  type Scenario,
} from "./sim/explore.ts";
export type { Process, Suspension, Waitable } from "./sim/process.ts";
export { type Candidate, type Decision, type Schedule, Scheduler } from "./sim/scheduler.ts";
export { Simulation, type SimulationOptions } from "./sim/simulation.ts";
export type { BlockedTask, BusyTask, RunReport } from "./sim/simulation-report.ts";
export type { Task } from "./sim/task.ts";
export { type EngineJob, Timeline } from "./sim/timeline.ts";
export type { Timer } from "./sim/timer.ts";
export { Trace, TraceEvent, type TraceSubscriber } from "./sim/trace.ts";
export type { TraceRing } from "./sim/trace-ring.ts";
export {
  type FieldKind,
  type FieldValues,
  findTracepoint,
  MAX_FIELDS,
  MAX_TRACEPOINTS,
  type StringId,
  type TraceField,
  Tracepoint,
  tracepoint,
} from "./sim/tracepoint.ts";
export { WaitQueue } from "./sim/wait-queue.ts";
export { Workqueue } from "./sim/workqueue.ts";
