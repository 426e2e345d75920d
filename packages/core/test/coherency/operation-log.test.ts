// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { operationLine } from "../../src/coherency/operation-log.ts";
import { Extents, OperationLog, Topology, TransitionTable } from "../../src/coherency.ts";

const topology = new Topology({ domains: { cpu: { line: 64 } } });
const { operations } = new TransitionTable(topology);
const direct = operations.access("write", topology.route({ route: "direct" }));
const cached = operations.access("read", topology.route({ route: "cached", domain: "cpu" }));
const clean = operations.maintenance("clean", topology.domain("cpu"));

it("keeps operation, ranges and cause of every step", () => {
  const log = new OperationLog();
  const extents = Extents.of([0, 10], [100, 110]);
  for (let step = 0; step < 300; step++) {
    expect(log.append(step % 2 === 0 ? direct : clean, extents, step === 7 ? -1 : step * 3)).toBe(step);
  }
  expect(log.length).toBe(300);
  expect(log.operation(299)).toBe(clean);
  expect(log.extents(0)).toBe(extents);
  expect([7, 63, 64, 299].map((step) => log.cause(step))).toEqual([-1, 189, 192, 897]);
});

it("finds what touches a byte, in range or as a neighbour in a line", () => {
  const log = new OperationLog();
  log.append(direct, Extents.of([0, 10]), -1);
  log.append(cached, Extents.of([0, 10]), -1);
  log.append(clean, Extents.of([1000, 1010], [60, 61]), -1);
  log.append(cached, Extents.of([64, 128]), -1);
  const columns = (address: number, last?: number) =>
    log.touching(address, last).map(({ step, column }) => [step, column]);
  expect(columns(5)).toEqual([
    [0, direct.index * 2],
    [1, cached.index * 2],
    [2, clean.index * 2 + 1],
  ]);
  expect(columns(10)).toEqual([
    [1, cached.index * 2 + 1],
    [2, clean.index * 2 + 1],
  ]);
  expect(columns(10, 1)).toEqual([[1, cached.index * 2 + 1]]);
  expect(columns(64)).toEqual([[3, cached.index * 2]]);
  expect(columns(1023)).toEqual([[2, clean.index * 2 + 1]]);
  expect(columns(1024)).toEqual([]);
});

it("an operation works through lines of its domain, or bytes where it meets no cache", () => {
  expect([direct, cached, clean].map(operationLine)).toEqual([1, 64, 64]);
});
