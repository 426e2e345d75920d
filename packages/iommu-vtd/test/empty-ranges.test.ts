// SPDX-License-Identifier: MIT
import { dmaAddr } from "@dmabuf/core";
import { expect, test } from "vitest";
import { blockAround } from "../src/page-block.ts";
import { GPU, Machine } from "./machine.ts";

test("nothing is invalidated for an empty range, at the first address neither", () => {
  const machine = new Machine();
  const domain = machine.domain(GPU);
  const queued: string[] = [];
  machine.system.simulation.trace.subscribe("*", ({ point }) => void queued.push(point.name));
  for (const at of [0, 0x4000_0000]) {
    domain.flush(dmaAddr(at), 0);
    domain.syncMap(dmaAddr(at), 0);
  }
  expect(queued).toEqual([]);
});

test("an empty range is in the block of its page", () => {
  expect(blockAround(0, 0)).toEqual({ address: 0, mask: 0 });
});
