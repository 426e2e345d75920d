// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { Clock, kernelWarning, type Process, Simulation } from "../../src/sim.ts";

test("a WARN is noted with time, timeline and count, and the program goes on", () => {
  const simulation = new Simulation();
  const events: string[] = [];
  simulation.trace.subscribe(kernelWarning, (event) => events.push(`${event.timelineName} ${event}`));
  const driver = function* (): Process {
    yield 5;
    for (let i = 0; i < 3; i++) simulation.diagnostics.warn("R-18", "dma_resv_reserve_fences", "0 fences");
    simulation.diagnostics.warn("F-6", "dma_fence_set_error", "too late");
  };
  simulation.spawn("driver", driver());
  simulation.run();
  const common = { severity: "warn", time: 5, timeline: "driver" };
  expect(simulation.diagnostics.entries).toEqual([
    { ...common, rule: "R-18", operation: "dma_resv_reserve_fences", text: "0 fences", count: 3 },
    { ...common, rule: "F-6", operation: "dma_fence_set_error", text: "too late", count: 1 },
  ]);
  expect(events.length).toBe(4);
  expect(events[3]).toBe(
    "driver kernel_warning: severity=warn rule=F-6 operation=dma_fence_set_error text=too late",
  );
});

test("a BUG is noted and thrown", () => {
  const { diagnostics } = new Simulation();
  expect(() => diagnostics.bug("R-19", "dma_resv_add_fence", "no slot")).toThrow(
    "dma_resv_add_fence: BUG: no slot (R-19)",
  );
  expect(diagnostics.entries[0]?.severity).toBe("bug");
});

test("the clock goes forward only", () => {
  const clock = new Clock();
  clock.advanceTo(5);
  expect(() => clock.advanceTo(4)).toThrow("the clock cannot go from 5 ns to 4 ns");
  expect(() => clock.advanceTo(Number.NaN)).toThrow(TypeError);
  expect(clock.now).toBe(5);
});
