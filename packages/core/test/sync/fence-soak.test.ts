// SPDX-License-Identifier: MIT
import { env } from "node:process";
import { describe, expect, test } from "vitest";
import type { Process } from "../../src/sim.ts";
import {
  type CallbackId,
  type DmaFence,
  DmaFenceArray,
  DmaFenceChain,
  mergeFences,
  SyncFile,
  unwrapFence,
} from "../../src/sync.ts";
import { FenceBench } from "./fence-bench.ts";
import { xorshift } from "./random.ts";

// Random operations on fences and on what is made of them, by several tasks under random schedules: no callback may be
// lost, no waiter forgotten, no fence kept. DMABUF_SOAK=1000000 says how many operations; few are done without it.

const OPERATIONS = Number(env["DMABUF_SOAK"] ?? 24_000);
const TASKS = 8;
const SLOTS = 48;

class Soak {
  readonly bench = new FenceBench();
  readonly #random: (below: number) => number;
  /** Shared by all tasks; each slot holds a reference. */
  readonly #fences: (DmaFence | undefined)[] = [];
  readonly #contexts = this.bench.pool.contextAlloc(6);
  #seqno = 0;
  /** Callbacks accepted, run and taken back. */
  readonly ran = new Map<number, number>();
  accepted = 0;
  removed = 0;
  waits = 0;

  constructor(seed: number) {
    this.#random = xorshift(seed);
  }

  *task(operations: number): Process {
    for (let i = 0; i < operations; i++) {
      if (this.#random(3) === 0) yield this.#random(5);
      yield* this.#operation();
    }
  }

  /** A random fence with a reference of its own. */
  #take(): DmaFence | undefined {
    return this.#fences[this.#random(SLOTS)]?.get();
  }

  #keep(fence: DmaFence): void {
    const slot = this.#random(SLOTS);
    const old = this.#fences[slot];
    this.#fences[slot] = fence;
    if (old === undefined) return;
    // Whoever publishes a fence signals it (F-34); what is made of others follows them.
    if (!old.isContainer) old.signal();
    old.put();
  }

  *#operation(): Process {
    const random = this.#random;
    const kind = random(10);
    if (kind < 3) {
      const context = this.#contexts + random(6);
      this.#keep(this.bench.fence(context, ++this.#seqno));
      return;
    }
    using fence = this.#take();
    if (fence === undefined) return;
    if (kind === 3 && !fence.isContainer) fence.signal();
    else if (kind === 4) this.#hook(fence);
    else if (kind === 5) yield* this.#wait(fence);
    else if (kind === 6) this.#makeArray(fence);
    else if (kind === 7) this.#makeChain(fence);
    else if (kind === 8) this.#merge(fence);
    else this.#ask(fence);
  }

  #hook(fence: DmaFence): void {
    const number = this.accepted + 1;
    const callback: CallbackId | null = fence.addCallback(() => {
      this.ran.set(number, (this.ran.get(number) ?? 0) + 1);
    });
    if (callback === null) return;
    this.accepted = number;
    if (this.#random(4) > 0) return;
    expect(fence.removeCallback(callback)).toBe(true);
    this.removed++;
    this.ran.set(number, 1);
  }

  *#wait(fence: DmaFence): Process {
    const timeout = this.#random(20);
    const left = yield* fence.wait({ timeout });
    if (left > 0) expect(fence.isSignaled).toBe(true);
    this.waits++;
  }

  #makeArray(fence: DmaFence): void {
    const others = [fence, this.#take(), this.#take()].filter((one) => one !== undefined);
    const members = others.filter((one) => !one.isContainer);
    if (members.length > 0) this.#keep(DmaFenceArray.create(members, { any: this.#random(3) === 0 }));
    for (const other of others.slice(1)) other.put();
  }

  #makeChain(fence: DmaFence): void {
    using previous = this.#take();
    const inner = DmaFenceChain.from(fence) === null ? fence : null;
    if (inner !== null) this.#keep(DmaFenceChain.create(previous ?? null, inner, 1 + this.#random(1000)));
    else DmaFenceChain.from(fence)?.walk()?.put();
  }

  #merge(fence: DmaFence): void {
    using other = this.#take();
    using one = SyncFile.create(fence);
    using two = SyncFile.create(other ?? fence);
    using file = SyncFile.merge("soak", one, two);
    expect(file.info().fences.length).toBeGreaterThan(0);
    file.pollEvents();
    this.#keep(mergeFences([fence]));
  }

  #ask(fence: DmaFence): void {
    const before = this.bench.pool.hasSignaled(fence.id);
    const asked = fence.isSignaled;
    expect(asked || !before, "what has signaled stays so").toBe(true);
    for (const leaf of unwrapFence(fence)) if (DmaFenceArray.from(fence) === null && asked) leaf.isSignaled;
    if (asked) expect(fence.status).not.toBe("active");
  }

  finish(): void {
    for (const [slot, fence] of this.#fences.entries()) {
      if (fence === undefined) continue;
      if (!fence.isContainer) fence.signal();
      this.#fences[slot] = undefined;
      fence.put();
    }
    this.bench.simulation.run();
  }
}

describe("soak", () => {
  test.each([1, 2, 3, 4])("seed %i", (seed) => {
    const soak = new Soak(seed);
    const { simulation, pool } = soak.bench;
    const each = Math.ceil(OPERATIONS / 4 / TASKS);
    for (let i = 0; i < TASKS; i++) simulation.spawn(`task ${i}`, soak.task(each));
    expect(simulation.run().blocked).toEqual([]);
    soak.finish();
    expect(soak.ran.size, "no callback is lost").toBe(soak.accepted);
    expect(
      [...soak.ran.values()].every((times) => times === 1),
      "and none runs twice",
    ).toBe(true);
    expect(pool.live).toBe(0);
    expect(soak.bench.complaints).toEqual([]);
    expect(Math.min(soak.accepted, soak.removed, soak.waits)).toBeGreaterThan(0);
  });
});
