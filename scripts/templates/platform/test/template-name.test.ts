// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import assembled, { templateName } from "../src/index.ts";

test("has the devices and exporters that its README names", () => {
  expect(templateName().deviceNames).toEqual(["camera", "display"]);
  expect(templateName().exporterNames).toEqual(["system", "cma", "deferred"]);
});

test("a frame goes from the camera to the display", () => {
  const system = templateName().boot();
  const { simulation } = system;
  function* frame() {
    using buffer = yield* system.exporter("cma").allocate(0x10_0000);
    const camera = yield* system.importer("camera").attach(buffer, "from-device");
    const display = yield* system.importer("display").attach(buffer, "to-device");
    const taken = yield* camera.transfer("write");
    const shown = yield* display.transfer("read");
    yield* shown.wait();
    for (const fence of [taken, shown]) fence.put();
    for (const imported of [camera, display]) yield* imported.detach();
  }
  simulation.complete("frame", frame());
  expect(system.hazards).toEqual([]);
});

test("the command finds the board as the default export", () => expect(assembled).toBe(templateName));
