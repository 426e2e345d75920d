// SPDX-License-Identifier: MIT
import type { Diagnostics } from "../sim/diagnostic.ts";
import type { Trace } from "../sim/trace.ts";
import type { StringId } from "../sim/tracepoint.ts";
import type { FenceOps } from "./fence-ops.ts";

/** One driver timeline's operations, all of one shape so that calling them stays cheap. */
export interface FenceDriver {
  readonly ops: FenceOps;
  readonly driver: StringId;
  readonly timeline: StringId;
  /** Whether its seqnos compare as 64-bit numbers (F-21). */
  readonly seqno64: boolean;
  /** Whether it wants to hear of the first who waits, and of the end. */
  readonly enables: boolean;
  readonly releases: boolean;
}

/** The operations in use, each once, so that a fence needs an index only. */
export class FenceDrivers {
  readonly #trace: Trace;
  readonly #diagnostics: Diagnostics;
  readonly #drivers: FenceDriver[] = [];
  readonly #indexOf = new Map<FenceOps, number>();
  #lastOps: FenceOps | undefined;
  #lastIndex = -1;

  constructor(trace: Trace, diagnostics: Diagnostics) {
    this.#trace = trace;
    this.#diagnostics = diagnostics;
  }

  /** What is behind an index. */
  at(index: number): FenceDriver {
    return this.#drivers[index] as FenceDriver;
  }

  /** The index of operations; BUG when they have no names (F-1). */
  indexOf(ops: FenceOps): number {
    return ops === this.#lastOps ? this.#lastIndex : this.#find(ops);
  }

  #find(ops: FenceOps): number {
    let index = this.#indexOf.get(ops);
    if (index === undefined) {
      // An empty name is a name: FunctionFS has no other for its timelines.
      if (typeof ops?.driverName !== "string" || typeof ops.timelineName !== "string")
        this.#diagnostics.bug("F-1", "dma_fence_init", "operations without names");
      const driver = this.#trace.intern(ops.driverName);
      const timeline = this.#trace.intern(ops.timelineName);
      const seqno64 = ops.seqno64 === true;
      const [enables, releases] = [ops.enableSignaling !== undefined, ops.release !== undefined];
      index = this.#drivers.push({ ops, driver, timeline, seqno64, enables, releases }) - 1;
      this.#indexOf.set(ops, index);
    }
    this.#lastOps = ops;
    this.#lastIndex = index;
    return index;
  }
}
