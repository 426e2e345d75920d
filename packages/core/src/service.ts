// SPDX-License-Identifier: MIT
import type { AnalysisMachine } from "./coherency/analysis-machine.ts";
import type { MemoryMachine } from "./coherency/memory-machine.ts";
import type { PhysicalMemory } from "./memory/physical-memory.ts";
import type { Simulation } from "./sim/simulation.ts";
import type { ResvPool } from "./sync/resv-pool.ts";
import { token } from "./token.ts";

/** The running simulation. */
export const SIMULATION = token<Simulation>("core", "Simulation");
/** The machine that every access goes to. */
export const MEMORY_MACHINE = token<MemoryMachine>("core", "MemoryMachine");
/** The machine that knows what every byte can be. */
export const ANALYSIS_MACHINE = token<AnalysisMachine>("core", "AnalysisMachine");
/** The board's memory and its allocators. */
export const PHYSICAL_MEMORY = token<PhysicalMemory>("core", "PhysicalMemory");
/** The pool of all reservation objects, and of the fences in them. */
export const RESV_POOL = token<ResvPool>("core", "ResvPool");
/** Bytes a second that a CPU thread reads or writes through its cache. */
export const CPU_BANDWIDTH = token<number>("core", "CpuBandwidth");
