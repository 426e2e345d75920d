// SPDX-License-Identifier: MIT
import { exporterSuite, importerSuite } from "@dmabuf/core/testing";
import { describe, test } from "vitest";
import { i915 } from "../src/index.ts";
import { withLlc, withoutLlc } from "./machine.ts";

// Neither is a device that the suite lets use a buffer: it asks how others fare.
const names = { gpu: "far", display: "display" };

for (const [name, options] of Object.entries({ withLlc, withoutLlc })) {
  describe(`an exporter, ${name}`, () => {
    // Its brackets serve its own devices: what others do past the caches it does not know (N-11).
    const suite = exporterSuite(() => i915({ ...options, ...names }), { servesNonCoherent: false });
    for (const { name, run } of suite) test(name, run);
  });
}

describe("an importer: the GPU", () => {
  const gpu = (device: string) => i915({ ...withoutLlc, gpu: device });
  for (const { name, run } of importerSuite(gpu, { mapsBothWays: true })) test(name, run);
});

describe("an importer: the display", () => {
  const display = (device: string) => i915({ ...withoutLlc, gpu: "snooping", display: device });
  for (const { name, run } of importerSuite(display, { kinds: ["read"], mapsBothWays: true }))
    test(name, run);
});
