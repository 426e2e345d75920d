// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { type DmaFence, DmaFenceArray, DmaFenceChain } from "../../src/sync.ts";
import { FenceBench } from "./fence-bench.ts";

/** A timeline of so many nodes, numbered from 1. */
function setup(count: number): { bench: FenceBench; fences: DmaFence[]; chains: DmaFenceChain[] } {
  const bench = new FenceBench();
  const fences = bench.fences(count);
  const chains: DmaFenceChain[] = [];
  for (const [i, fence] of fences.entries())
    chains.push(DmaFenceChain.create(chains.at(-1) ?? null, fence, i + 1));
  return { bench, fences, chains };
}

describe("making nodes (F-40, F-41)", () => {
  test("a later number continues the context, an earlier or equal one begins another with a number not below", () => {
    const bench = new FenceBench();
    const first = DmaFenceChain.create(null, bench.fence(), 5);
    const second = DmaFenceChain.create(first, bench.fence(), 9);
    const same = DmaFenceChain.create(second, bench.fence(), 9);
    const lower = DmaFenceChain.create(second, bench.fence(), 3);
    expect([second.context === first.context, second.previousSeqno, second.seqno]).toEqual([true, 5, 9]);
    for (const other of [same, lower]) {
      expect([other.context === first.context, other.previousSeqno, other.seqno]).toEqual([false, 0, 9]);
    }
    const behindFence = DmaFenceChain.create(bench.fence(), bench.fence(), 2);
    expect([behindFence.previousSeqno, behindFence.seqno]).toEqual([0, 2]);
    expect(bench.complaints).toEqual([]);
  });

  test("numbers have 64 bits: nothing wraps (F-41)", () => {
    const bench = new FenceBench();
    const low = DmaFenceChain.create(null, bench.fence(), 2 ** 32 - 1);
    const high = DmaFenceChain.create(low, bench.fence(), 2 ** 40);
    expect([high.context === low.context, high.isLater(low), low.isLater(high)]).toEqual([true, true, false]);
  });

  test("a chain in a chain is a WARN, an array is fine", () => {
    const { bench, chains, fences } = setup(2);
    DmaFenceChain.create(null, chains[0] as DmaFenceChain, 1);
    expect(bench.complaints).toEqual(["F-40 dma_fence_chain_init"]);
    const node = DmaFenceChain.create(null, DmaFenceArray.create(fences), 1);
    expect([node.isSignaled, bench.complaints.length]).toEqual([false, 1]);
  });

  test("names, contents, handles", () => {
    const { chains, fences } = setup(1);
    const chain = chains[0] as DmaFenceChain;
    expect([chain.driverName, chain.timelineName, chain.isContainer]).toEqual([
      "dma_fence_chain",
      "unbound",
      true,
    ]);
    expect(chain.contained.equals(fences[0] as DmaFence)).toBe(true);
    expect(DmaFenceChain.from(fences[0] as DmaFence)).toBeNull();
    expect(DmaFenceChain.from(chain)?.equals(chain)).toBe(true);
  });
});

describe("walking (F-43)", () => {
  test("what is signaled is dropped on the way and freed, whatever its place", () => {
    const { bench, fences, chains } = setup(6);
    const tail = chains[5] as DmaFenceChain;
    for (const chain of chains.slice(0, 5)) chain.put();
    for (const i of [1, 3, 4]) fences[i]?.signal();
    const before = bench.pool.live;
    using found = tail.walk();
    expect([found?.seqno, bench.pool.live]).toEqual([3, before - 2]);
    using next = (found as DmaFence).isContainer
      ? (DmaFenceChain.from(found as DmaFence)?.walk() ?? null)
      : null;
    expect([next?.seqno, bench.pool.live]).toEqual([1, before - 3]);
    expect(DmaFenceChain.from(next as DmaFence)?.walk()).toBeNull();
  });

  test("a signaled fence of its own does not end a node: what is before it counts (F-42)", () => {
    const { fences, chains } = setup(2);
    fences[1]?.signal();
    expect([chains[1]?.isSignaled, chains[0]?.isSignaled]).toEqual([false, false]);
    fences[0]?.signal();
    expect([chains[1]?.isSignaled, chains[0]?.isSignaled]).toEqual([true, true]);
  });

  test("a fence that is no chain may be the oldest, and is waited for", () => {
    const bench = new FenceBench();
    const [oldest, newest] = [bench.fence(), bench.fence()];
    const chain = DmaFenceChain.create(oldest, newest, 4);
    newest.signal();
    expect(chain.isSignaled).toBe(false);
    using found = chain.findSeqno(1);
    expect(found?.equals(chain), "the node before is of no chain, so this one stands for all below").toBe(
      true,
    );
    oldest.signal();
    expect([chain.isSignaled, chain.walk()]).toEqual([true, null]);
  });
});

test("errors of what is in it stay theirs (F-45)", () => {
  const { bench, fences, chains } = setup(2);
  chains[1]?.enableSignaling();
  for (const fence of fences) {
    fence.setError("EIO");
    fence.signal();
  }
  expect(bench.settled(chains[1] as DmaFence)).toBe(true);
  expect(chains[1]?.status).toBe("signaled");
});

test("a deadline goes to everything from here back (F-46)", () => {
  const bench = new FenceBench();
  const seen: number[] = [];
  const make = (i: number): DmaFence => bench.fence(undefined, i, { setDeadline: () => seen.push(i) });
  const fences = [1, 2, 3, 4].map(make);
  let chain: DmaFenceChain | null = null;
  for (const [i, fence] of fences.entries()) chain = DmaFenceChain.create(chain, fence, i + 1);
  fences[1]?.signal();
  chain?.setDeadline(9);
  expect(seen).toEqual([4, 3, 1]);
});

test("a long chain is freed without recursion, a shared part stays (F-45)", () => {
  const { bench, fences, chains } = setup(50_000);
  const kept = chains[1000] as DmaFenceChain;
  for (const chain of chains) if (chain !== kept && chain !== chains.at(-1)) chain.put();
  for (const fence of fences) fence.put();
  chains.at(-1)?.put();
  expect([bench.pool.live, kept.isSignaled]).toEqual([2 * 1001, false]);
  kept.put();
  expect([bench.pool.live, bench.complaints]).toEqual([0, []]);
});

test("a callback that walks the chain in the middle of somebody's walk does not confuse it (F-7, F-43)", () => {
  const bench = new FenceBench();
  const [oldest, newest] = [bench.fence(), bench.fence()];
  const inner = bench.fence(undefined, 1, { signaled: () => true });
  const first = DmaFenceChain.create(null, oldest, 1);
  const middle = DmaFenceChain.create(first, inner, 2);
  const tail = DmaFenceChain.create(middle, newest, 3);
  middle.put();
  // Runs when the walk below asks the driver.
  inner.addCallback(() => tail.walk()?.put());
  const found = tail.walk();
  expect(found?.seqno).toBe(1);
  for (const fence of [found, tail, first, inner, oldest, newest]) fence?.put();
  expect([bench.pool.live, bench.complaints]).toEqual([0, []]);
});
