// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { type Process, Simulation } from "../../src/sim.ts";
import { DmaFence, DmaResv, FencePool, ResvPool, type Usage, usages } from "../../src/sync.ts";

// The kernel's own tests of reservation objects, each for every usage.

describe.each(usages)("usage %s", (usage: Usage) => {
  /** Runs in a task with a fence added at the usage; afterwards the fence is signaled and everything freed. */
  function withFence(body: (resv: DmaResv, fence: DmaFence) => void): void {
    const simulation = new Simulation();
    const fences = new FencePool(simulation);
    const main = function* (): Process {
      const resv = new DmaResv(new ResvPool(simulation, fences), "selftest");
      const fence = DmaFence.init(fences, { driverName: "selftest", timelineName: "selftest" }, 1, 1);
      fence.enableSignaling();
      {
        using _lock = yield* resv.lock();
        expect(resv.reserveFences(1)).toBe(true);
        resv.addFence(fence, usage);
      }
      body(resv, fence);
      fence.signal();
      fence.put();
      resv.fini();
    };
    simulation.complete("main", main());
    expect([fences.live, simulation.diagnostics.entries]).toEqual([0, []]);
  }

  test("sanitycheck", () => withFence(() => {}));

  test("test_signaling (R-27)", () =>
    withFence((resv, fence) => {
      expect(resv.testSignaled(usage)).toBe(false);
      fence.signal();
      expect(resv.testSignaled(usage)).toBe(true);
    }));

  test("test_for_each (R-22)", () =>
    withFence((resv, fence) => {
      const seen: [boolean, Usage][] = [];
      resv.trylock();
      resv.forEach(usage, (id, of) => seen.push([id === fence.id, of]));
      resv.unlock();
      expect(seen).toEqual([[true, usage]]);
    }));

  test("test_for_each_unlocked: the list changes at the first visit (R-22)", () =>
    withFence((resv, fence) => {
      const seen: unknown[] = [];
      using cursor = resv.iterate(usage);
      for (let id = cursor.first(); id !== null; id = cursor.next()) {
        seen.push([cursor.isRestarted, id === fence.id, cursor.usage]);
        if (seen.length > 1) continue;
        // There a fault is put into the cursor; here another table takes the place of the first one.
        resv.trylock();
        resv.reserveFences(4);
        resv.unlock();
      }
      expect(seen).toEqual([
        [true, true, usage],
        [true, true, usage],
      ]);
    }));

  test("test_get_fences (R-24)", () =>
    withFence((resv, fence) => {
      const found = resv.getFences(usage);
      expect(found.map((one) => one.equals(fence))).toEqual([true]);
      for (const one of found) one.put();
    }));
});
