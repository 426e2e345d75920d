// SPDX-License-Identifier: MIT
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { run } from "../run.ts";

const pipeline = fileURLToPath(
  new URL("../../../../examples/pipelines/zynq-usb-to-dac.yaml", import.meta.url),
);

test("the tour: board, comparison, the first finding with its chain and witness, what to run next", async () => {
  const { status, stdout, stderr } = await run(["demo", pipeline]);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const order = [
    "ZynqMP ZCU102 Rev1.0",
    "not coherent  adc-hp0",
    "kernel            incoherent",
    "device-to-device  coherent",
    "error  stale-read",
    "what happened",
    "the shortest way to it",
    "what mends it",
    "go on",
  ];
  const places = order.map((text) => stdout.indexOf(text));
  expect(places.every((place) => place >= 0)).toBe(true);
  expect([...places].sort((a, b) => a - b)).toEqual(places);
});
