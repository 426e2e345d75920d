// SPDX-License-Identifier: MIT
import type { KernelError, Process, System } from "@dmabuf/core";
import type { I915Driver, I915Object, I915Options } from "../src/index.ts";
import { platformOf } from "./machine.ts";

/** A running driver, and what its objects go through. */
export interface Bench {
  readonly system: System;
  readonly driver: I915Driver;
  /** Names of the flush events so far, as `i915_gem_object_clflush`. */
  readonly flushes: () => string[];
  /** Calls with the reservation held. */
  readonly held: <T>(object: I915Object, process: () => Process<T>) => Process<T>;
}

const flushEvents = ["clflush", "set_pages", "flush_map", "get_pages_dmabuf"].map(
  (what) => `i915_gem_object_${what}`,
);

/** Runs a test on a driver. */
export function onDriver(
  options: I915Options,
  play: (bench: Bench) => Process,
  { behindIommu = false } = {},
): void {
  const system = platformOf(options, behindIommu).boot();
  const flushed: string[] = [];
  system.simulation.trace.subscribe("*", ({ point }) => {
    if (flushEvents.includes(point.name)) flushed.push(point.name.replace("i915_gem_object_", ""));
  });
  const driver = system.exporter("i915") as I915Driver;
  const held = function* <T>(object: I915Object, process: () => Process<T>): Process<T> {
    yield* object.resv.lock();
    try {
      return yield* process();
    } finally {
      object.resv.unlock();
    }
  };
  system.simulation.complete("test", play({ system, driver, held, flushes: () => flushed.splice(0) }));
  const [complaint] = system.simulation.diagnostics.entries;
  if (complaint !== undefined) throw new TypeError(`${complaint.operation}: ${complaint.text}`);
}

/** The errno with which a process ends, or `null`. */
export function* errnoOf(process: Process<unknown>): Process<string | null> {
  try {
    yield* process;
    return null;
  } catch (error) {
    return (error as KernelError).errno;
  }
}

/** The errno with which a call ends, or `null`. */
export function errnoNow(call: () => unknown): string | null {
  try {
    call();
    return null;
  } catch (error) {
    return (error as KernelError).errno;
  }
}
