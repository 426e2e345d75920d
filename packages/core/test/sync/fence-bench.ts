// SPDX-License-Identifier: MIT
import { Simulation } from "../../src/sim.ts";
import { DmaFence, type FenceOps, FencePool, type FencePoolOptions } from "../../src/sync.ts";

/** The driver of a bench's fences. */
const mock: FenceOps = { driverName: "mock", timelineName: "mock" };

/** A simulation with a pool of fences. */
export class FenceBench {
  readonly simulation = new Simulation();
  readonly pool: FencePool;

  constructor(options: FencePoolOptions = {}) {
    this.pool = new FencePool(this.simulation, options);
  }

  /** A fence of a context of its own, unless said otherwise. */
  fence(context = this.pool.contextAlloc(), seqno = 1, ops: Partial<FenceOps> = {}): DmaFence {
    return DmaFence.init(this.pool, { ...mock, ...ops }, context, seqno);
  }

  /** So many fences of one context each. */
  fences(count: number): DmaFence[] {
    return Array.from({ length: count }, () => this.fence());
  }

  /** Whether a fence has signaled once everything that is due has happened; nobody asks its driver. */
  settled(fence: DmaFence): boolean {
    this.simulation.run();
    return this.pool.hasSignaled(fence.id);
  }

  /** The rules that were broken so far, and where. */
  get complaints(): string[] {
    return this.simulation.diagnostics.entries.map(({ rule, operation }) => `${rule} ${operation}`);
  }
}
