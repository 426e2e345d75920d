// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { Order, TouchClasses } from "../../../src/check/race/touch-class.ts";
import { conflictOf } from "../../../src/coherency/litmus-race.ts";
import { Topology, type TopologySpec, TransitionTable } from "../../../src/coherency.ts";

const line = 2;
const machines: [string, TopologySpec["domains"]][] = [
  ["one cache", { cpu: { line } }],
  ["two caches side by side", { cpu: { line }, gpu: { line } }],
  ["a stack beside a cache", { l1: { line, behind: "l2" }, l2: { line }, gpu: { line } }],
  ["a stack of three", { l1: { line, behind: "l2" }, l2: { line, behind: "l3" }, l3: { line } }],
];

it.each(machines)("the rules for single bytes are those of litmus programs: %s", (_, domains) => {
  const table = new TransitionTable(new Topology({ domains }));
  const classes = new TouchClasses(table);
  const { operations } = table.operations;
  for (const first of operations) {
    for (const second of operations) {
      // Both on byte 0, where it has to be the rule itself.
      const same = conflictOf(
        { operation: first, start: 0, end: 1 },
        { operation: second, start: 0, end: 1 },
      );
      expect(classes.order(first.index * 2, second.index * 2) !== Order.free).toBe(same !== null);
      // On two bytes of a line, some byte of the line has to tell.
      const beside = conflictOf(
        { operation: first, start: 0, end: 1 },
        { operation: second, start: 1, end: 2 },
      );
      const told = [
        classes.order(first.index * 2, second.index * 2 + 1),
        classes.order(first.index * 2 + 1, second.index * 2),
      ];
      expect(told.some((order) => order !== Order.free)).toBe(beside !== null);
    }
  }
});
