// SPDX-License-Identifier: MIT
import { exporterSuite, importerSuite } from "@dmabuf/core/testing";
import { describe, expect, test } from "vitest";
import { drm } from "../src/index.ts";

describe("importerSuite, a device that renders", () => {
  for (const { name, run } of importerSuite((device) => drm(device), { mapsBothWays: true })) test(name, run);
});

describe("importerSuite, a device that scans out", () => {
  const make = (device: string) => drm(device, { scansOut: true });
  for (const { name, run } of importerSuite(make, { kinds: ["read"], mapsBothWays: true })) test(name, run);
});

/**
 * What PRIME's dma-buf leaves to drivers (G-5): it does nothing in a bracket, so that memory which the CPU caches is not
 * shown to a device that does not look there, nor memory past its cache to one whose writes stay in it.
 */
const leftToDrivers: Readonly<Record<string, readonly string[]>> = {
  direct: ["needs no bracket between the CPU and a coherent device"],
  snooping: [
    "shows a device that is not coherent what the CPU wrote in a bracket",
    "shows it also to a device that joins later",
    "shows the CPU in a bracket what a device that is not coherent wrote",
  ],
};

for (const [device, left] of Object.entries(leftToDrivers)) {
  for (const contiguous of [false, true]) {
    const kind = contiguous ? "contiguous" : "paged";
    describe(`exporterSuite, ${kind} dumb buffers of the device ${device}`, () => {
      for (const { name, run } of exporterSuite(() => drm(device, { contiguous, exporter: "dumb" }))) {
        if (!left.includes(name)) test(name, run);
        else test(`not: ${name}`, () => expect(run).toThrow(/^(stale-read|lost-write) at /));
      }
    });
  }
}
