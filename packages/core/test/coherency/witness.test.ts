// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import {
  AnalysisMachine,
  Extents,
  findWitness,
  type Hazard,
  replayWitness,
  Topology,
} from "../../src/coherency.ts";

it("a write is in danger of a stale line even where nothing newer was left to lose", () => {
  const topology = new Topology({
    domains: { slot: { line: 2, speculates: false, evicts: false }, gpu: { line: 2, speculates: false } },
  });
  const [slot, gpu] = topology.domains;
  if (slot === undefined || gpu === undefined) throw new TypeError("no domains");
  const hazards: Hazard[] = [];
  const machine = new AnalysisMachine(topology, (hazard) => hazards.push(hazard));
  const line = Extents.of([0, 2]);
  machine.access(topology.route({ route: "cached", domain: "gpu" }), "write", line);
  machine.access(topology.route({ route: "cached", domain: "slot" }), "write", line);
  machine.maintain("invalidate", slot, line);
  machine.access(topology.route({ route: "direct" }), "write", line);
  const last = hazards.at(-1);
  expect(last).toMatchObject({ code: "lost-write", step: 3, bytes: 2 });
  // Every state before step 3 has lost what the slot held; the danger is to what step 3 writes.
  const witness = findWitness(machine.table, machine.log.touching(0, 3), { kind: "lost" });
  expect(witness).toEqual([
    { kind: "operation", step: 0, choices: [] },
    { kind: "operation", step: 1, choices: [] },
    { kind: "operation", step: 2, choices: [] },
    { kind: "operation", step: 3, choices: [] },
    { kind: "event", event: "write-back", domain: "gpu", choices: [] },
  ]);
  expect(replayWitness(topology, machine.log, witness ?? [], 0).lost).toBe(true);
});

it("there is none where there is no hazard", () => {
  const topology = new Topology({ domains: { cpu: { line: 64 } } });
  const machine = new AnalysisMachine(topology);
  const cached = topology.route({ route: "cached", domain: "cpu" });
  machine.access(cached, "write", Extents.of([0, 64]));
  machine.access(cached, "read", Extents.of([0, 64]));
  expect(findWitness(machine.table, machine.log.touching(0), { kind: "stale" })).toBeNull();
  expect(findWitness(machine.table, machine.log.touching(0), { kind: "lost" })).toBeNull();
});
