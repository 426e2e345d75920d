// SPDX-License-Identifier: MIT
import { assemble, type BoardDescription, type BootOptions, type Process, type System } from "@dmabuf/core";
import { performedMaintenance } from "@dmabuf/core/coherency";
import { toyArch, toyBoard } from "@dmabuf/core/testing";
import { DmaHeap, heaps } from "../src/index.ts";

/** The toy board with heaps, at power-on. */
export const boot = (options: BootOptions = {}, board: Partial<BoardDescription> = {}): System =>
  assemble({ ...toyBoard, ...board }, [toyArch(), heaps()]).boot(options);

/** One of its heaps. */
export function heapOf(system: System, name: "system" | "cma"): DmaHeap {
  const heap = system.exporter(name);
  if (!(heap instanceof DmaHeap)) throw new TypeError(`${name} is no heap`);
  return heap;
}

export const run = <T>(system: System, process: () => Process<T>): T =>
  system.simulation.complete("test", process());

/** Operations and bytes of maintenance since the last call for this system. */
export function maintenanceSince(system: System): { ops: number; bytes: number } {
  const { ops, bytes } = performedMaintenance(system.analysis.log, (_, { line }) => line);
  const before = seen.get(system) ?? { ops: 0, bytes: 0 };
  seen.set(system, { ops, bytes });
  return { ops: ops - before.ops, bytes: bytes - before.bytes };
}

const seen = new WeakMap<System, { ops: number; bytes: number }>();
