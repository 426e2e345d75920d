// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import {
  type LitmusProgram,
  type LitmusStep,
  needlessMaintenance,
  performedMaintenance,
  requiredMaintenance,
} from "../../src/coherency.ts";
import { analyse } from "./reference/perform.ts";

const program = (domains: LitmusProgram["domains"], steps: readonly LitmusStep[]): LitmusProgram => ({
  name: "program",
  domains,
  agents: {
    cpu: { route: "cached", domain: "cpu" },
    gpu: { route: "cached", domain: domains["gpu"] === undefined ? "cpu" : "gpu" },
    hpc: { route: "snoop", domain: "cpu" },
    dma: { route: "direct" },
  },
  buffer: { size: 4096 },
  steps,
});

function required(domains: LitmusProgram["domains"], steps: readonly LitmusStep[]) {
  const { machine } = analyse(program(domains, steps));
  const { placements, bytes, cost } = requiredMaintenance(machine.table, machine.log);
  const placed = placements.map(({ before, kind, domain, extents }) => [
    before,
    kind,
    domain.name,
    ...extents.map(({ pairs }) => [...pairs]),
  ]);
  return { placed, bytes, cost };
}

it("one flush before the DMA is cheaper than a clean before it and an invalidate after it", () => {
  const steps: LitmusStep[] = [
    { agent: "cpu", op: "write", range: [0, 64] },
    { agent: "dma", op: "write", range: [0, 64] },
    { agent: "hpc", op: "read", range: [0, 64] },
  ];
  expect(required({ cpu: { line: 64, speculates: false } }, steps)).toEqual({
    placed: [[1, "flush", "cpu", [0, 64]]],
    bytes: 64,
    cost: 1,
  });
  // The CPU may fill the line again after the flush: with speculation both are needed, and the data may be dropped.
  expect(required({ cpu: { line: 64 } }, steps)).toMatchObject({ bytes: 128, cost: 2 });
});

it("lets data go that nobody reads before it is written again", () => {
  const { placed } = required({ cpu: { line: 64, speculates: false } }, [
    { agent: "cpu", op: "write", range: [0, 4096] },
    { agent: "dma", op: "write", range: [0, 4096] },
    { agent: "cpu", op: "read", range: [0, 4096] },
  ]);
  expect(placed).toHaveLength(1);
  expect(placed[0]?.slice(2)).toEqual(["cpu", [0, 4096]]);
});

it("needs no more lines than the run that cleans just what was written", () => {
  const domains = { cpu: { line: 64 }, gpu: { line: 128, speculates: false } };
  const steps: LitmusStep[] = [
    { agent: "cpu", op: "write", range: [0, 64] },
    { op: "clean", domain: "cpu", range: [0, 64] },
    { agent: "dma", op: "read", range: [0, 64] },
  ];
  const { machine, hazards } = analyse(program(domains, steps));
  expect(hazards).toEqual([]);
  expect(performedMaintenance(machine.log)).toEqual({ ops: 1, bytes: 64, cost: 1 });
  expect(required(domains, steps)).toMatchObject({ bytes: 64, cost: 1 });
});

it("keeps the order of operations before one step: the writer is cleaned before the reader is invalidated", () => {
  const { placed } = required({ cpu: { line: 64 }, gpu: { line: 64 } }, [
    { agent: "gpu", op: "write", range: [0, 64] },
    { agent: "cpu", op: "read", range: [0, 64] },
  ]);
  expect(placed).toEqual([
    [1, "clean", "gpu", [0, 64]],
    [1, "invalidate", "cpu", [0, 64]],
  ]);
});

it("puts what different lines need before the same step together", () => {
  const { placed, cost } = required({ cpu: { line: 64 } }, [
    { agent: "cpu", op: "write", range: [0, 64] },
    { agent: "cpu", op: "write", range: [100, 200] },
    { agent: "dma", op: "read", range: [0, 4096] },
  ]);
  expect(placed).toEqual([[2, "clean", "cpu", [0, 64], [64, 128], [128, 192], [192, 256]]]);
  expect(cost).toBe(4);
});

it("of two operations that do the same work, each is needless", () => {
  const { machine } = analyse(
    program({ cpu: { line: 64 } }, [
      { agent: "cpu", op: "write", range: [0, 64] },
      { op: "clean", domain: "cpu", range: [0, 64] },
      { op: "clean", domain: "cpu", range: [0, 4096] },
      { agent: "dma", op: "read", range: [0, 64] },
      { agent: "cpu", op: "write", range: [0, 64] },
      { op: "clean", domain: "cpu", range: [0, 1] },
      { agent: "dma", op: "read", range: [0, 64] },
    ]),
  );
  expect(needlessMaintenance(machine.table, machine.log)).toEqual([1, 2]);
});

it("an invalidate that drops what nobody reads is needless, unless it keeps the line from being written back", () => {
  const zeroed: LitmusStep = { agent: "cpu", op: "write", range: [0, 64] };
  const invalidate: LitmusStep = { op: "invalidate", domain: "cpu", range: [0, 64] };
  const rewritten = analyse(program({ cpu: { line: 64 } }, [zeroed, invalidate, zeroed]));
  expect(rewritten.hazards).toEqual([]);
  expect(needlessMaintenance(rewritten.machine.table, rewritten.machine.log)).toEqual([1]);
  // ARMv7 does this before every capture into a zeroed buffer.
  const capture = analyse(
    program({ cpu: { line: 64 } }, [zeroed, invalidate, { agent: "dma", op: "write", range: [0, 64] }]),
  );
  expect(capture.hazards).toEqual([]);
  expect(needlessMaintenance(capture.machine.table, capture.machine.log)).toEqual([]);
});
