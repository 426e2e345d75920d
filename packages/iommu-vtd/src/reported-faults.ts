// SPDX-License-Identifier: MIT
import type { Simulation, Timer } from "@dmabuf/core/sim";
import { type FaultRecord, FaultRecording } from "./fault-recording.ts";
import { primaryFault, primaryFaultOverflow } from "./vtd-trace.ts";

/** ns from a fault to the end of its handler: an assumption. Until then the registers are full. */
const INTERRUPT_TIME = 10_000;

/** Faults on their way to the driver: recorded by hardware, read and cleared when the interrupt is handled. @see dmar_fault */
export class ReportedFaults {
  readonly recording: FaultRecording;
  readonly #simulation: Simulation;
  readonly #name: string;
  readonly #interrupt: Timer;

  constructor(name: string, registers: number, simulation: Simulation) {
    this.recording = new FaultRecording(registers);
    this.#simulation = simulation;
    this.#name = name;
    this.#interrupt = simulation.timer(() => void this.recording.drain());
  }

  /** Hardware has a fault. */
  report(record: FaultRecord): void {
    const { trace } = this.#simulation;
    const { source, pasid, page, read, reason } = record;
    const name = trace.intern(this.#name);
    if (this.recording.record(record))
      trace.emit(primaryFault, name, source, pasid ?? -1, page, read ? 1 : 0, reason);
    else trace.emit(primaryFaultOverflow, name, source);
    if (!this.#interrupt.armed) this.#interrupt.arm(INTERRUPT_TIME);
  }
}
