// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { type Process, Simulation } from "../../src/sim.ts";
import { DmaFence, DmaFenceChain, type FenceOps, FencePool } from "../../src/sync.ts";
import { xorshift } from "./random.ts";

// The scenarios of the kernel's chain selftests (drivers/dma-buf/st-dma-fence-chain.c), by their names there, with its
// numbers.

const CHAIN_SZ = 4096;
const mock: FenceOps = { driverName: "mock", timelineName: "mock" };

class Chains {
  readonly simulation = new Simulation();
  readonly pool = new FencePool(this.simulation);
  readonly fences: DmaFence[] = [];
  readonly chains: DmaFenceChain[] = [];

  constructor(count: number, seqno: (i: number) => number) {
    for (let i = 0; i < count; i++) {
      const fence = DmaFence.init(this.pool, mock, 0, 0);
      this.fences.push(fence);
      this.chains.push(DmaFenceChain.create(this.chains[i - 1] ?? null, fence, seqno(i)));
    }
  }

  fence(i: number): DmaFence {
    return this.fences[i] as DmaFence;
  }

  chain(i: number): DmaFenceChain {
    return this.chains[i] as DmaFenceChain;
  }

  get tail(): DmaFenceChain {
    return this.chain(this.chains.length - 1);
  }

  /** Which node stands for the number, from the given one: its index, or null. */
  find(from: DmaFenceChain, seqno: number): number | null {
    using found = from.findSeqno(seqno);
    if (found === null) return null;
    return this.chains.findIndex((chain) => chain.equals(found));
  }

  /** Puts everything; nothing may be left, and nothing may have been complained about. */
  finish(): void {
    this.simulation.run();
    for (const chain of this.chains) chain.put();
    for (const fence of this.fences) fence.put();
    expect([this.pool.live, this.simulation.diagnostics.entries]).toEqual([0, []]);
  }
}

const inc = (i: number): number => i + 1;

describe("dma_fence_chain selftests", () => {
  test("sanitycheck", () => {
    const chains = new Chains(1, inc);
    chains.tail.enableSignaling();
    expect(chains.tail.isSignaled).toBe(false);
    chains.fence(0).signal();
    chains.finish();
  });

  test("find_seqno", () => {
    const chains = new Chains(64, inc);
    expect(chains.find(chains.tail, 0)).toBe(63);
    for (let i = 0; i < 64; i++) {
      expect(chains.find(chains.tail, i + 1)).toBe(i);
      expect(chains.find(chains.chain(i), i + 1)).toBe(i);
      expect(() => chains.chain(i).findSeqno(i + 2)).toThrow(
        `dma_fence_chain_find_seqno: -EINVAL: dma_fence_chain unbound seq ${i + 1} unsignalled has no point ${i + 2}`,
      );
      expect(chains.find(chains.chain(i), i)).toBe(i === 0 ? 0 : i - 1);
    }
    chains.finish();
  });

  test("find_signaled", () => {
    const chains = new Chains(2, inc);
    chains.fence(0).signal();
    expect(chains.find(chains.tail, 1)).toBeNull();
    expect(chains.chain(0).isSignaled).toBe(true);
    chains.finish();
  });

  test("find_out_of_order", () => {
    const chains = new Chains(3, inc);
    chains.fence(1).signal();
    expect(chains.find(chains.tail, 2)).toBe(0);
    chains.finish();
  });

  test("find_gap", () => {
    const chains = new Chains(64, (i) => 2 * i + 2);
    for (let i = 0; i < 64; i++) {
      expect(chains.find(chains.tail, 2 * i + 1)).toBe(i);
      expect(chains.find(chains.tail, 2 * i + 2)).toBe(i);
    }
    chains.finish();
  });

  test("find_race", () => {
    const chains = new Chains(CHAIN_SZ, inc);
    const { simulation } = chains;
    const random = xorshift(20261120);
    let found = 0;
    const thread = function* (): Process {
      for (let step = 0; step < 1000; step++) {
        yield random(4);
        const seqno = 1 + random(CHAIN_SZ);
        using node = chains.tail.findSeqno(seqno);
        if (node !== null) found++;
        // What has to be waited for comes last: everything between it and the number is done.
        expect(node?.seqno ?? 0).toBeLessThanOrEqual(seqno);
        for (let i = node?.seqno ?? 0; i < seqno; i++) expect(chains.fence(i).isSignaled).toBe(true);
        yield random(4);
        chains.fence(random(CHAIN_SZ)).signal();
      }
    };
    const tasks = [0, 1, 2, 3].map((i) => simulation.spawn(`thread ${i}`, thread()));
    expect(simulation.run().blocked).toEqual([]);
    expect([tasks.every(({ done }) => done), found > 1000]).toEqual([true, true]);
    for (const fence of chains.fences) fence.signal();
    expect(chains.tail.isSignaled).toBe(true);
    chains.finish();
  });

  test("signal_forward", () => {
    const chains = new Chains(64, inc);
    for (let i = 0; i < 64; i++) {
      chains.fence(i).signal();
      expect(chains.chain(i).isSignaled).toBe(true);
      if (i < 63) expect(chains.chain(i + 1).isSignaled).toBe(false);
    }
    chains.finish();
  });

  test("signal_backward", () => {
    const chains = new Chains(64, inc);
    for (let i = 63; i >= 0; i--) {
      chains.fence(i).signal();
      if (i > 0) expect(chains.chain(i).isSignaled).toBe(false);
    }
    for (const chain of chains.chains) expect(chain.isSignaled).toBe(true);
    chains.finish();
  });

  const orders: Readonly<Record<string, () => number[]>> = {
    wait_forward: () => Array.from({ length: CHAIN_SZ }, (_, i) => i),
    wait_backward: () => Array.from({ length: CHAIN_SZ }, (_, i) => CHAIN_SZ - 1 - i),
    wait_random: () => {
      const order = Array.from({ length: CHAIN_SZ }, (_, i) => i);
      const random = xorshift(7);
      for (let i = CHAIN_SZ - 1; i > 0; i--) {
        const j = random(i + 1);
        [order[i], order[j]] = [order[j] as number, order[i] as number];
      }
      return order;
    },
  };
  test.each(Object.keys(orders))("%s", (name) => {
    const chains = new Chains(CHAIN_SZ, inc);
    const { simulation } = chains;
    const order = orders[name]?.() ?? [];
    const waiter = simulation.spawn("waiter", chains.tail.wait());
    const signaller = function* (): Process {
      for (const i of order) {
        expect(waiter.done).toBe(false);
        yield 1;
        chains.fence(i).signal();
      }
    };
    simulation.spawn("signaller", signaller());
    expect(simulation.run().blocked).toEqual([]);
    expect([waiter.result, simulation.now]).toEqual([Number.POSITIVE_INFINITY, CHAIN_SZ]);
    chains.finish();
  });
});

test("the worked example: nodes 1, 3 and 7 (A.7)", () => {
  const seqnos = [1, 3, 7];
  const chains = new Chains(3, (i) => seqnos[i] as number);
  expect(chains.find(chains.tail, 2)).toBe(1);
  expect(chains.find(chains.tail, 7)).toBe(2);
  expect(() => chains.tail.findSeqno(8)).toThrow("-EINVAL");
  expect(chains.find(chains.tail, 0)).toBe(2);
  chains.fence(0).signal();
  expect(chains.find(chains.tail, 1)).toBeNull();
  chains.fence(1).signal();
  expect(chains.find(chains.tail, 2)).toBeNull();
  chains.finish();
});
