// SPDX-License-Identifier: MIT
import type { ImportedBuffer, Process } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { onDriver } from "./driver-bench.ts";
import { withLlc } from "./machine.ts";

function* flip(display: ImportedBuffer): Process {
  const fence = yield* display.transfer("read");
  yield* fence.wait();
  fence.put();
}

describe("N-8: the display", () => {
  test("pins what it flips to, and lets go of what it scanned before", () => {
    onDriver(withLlc, function* ({ driver, system }) {
      const importer = system.importer("display");
      expect(importer.scansOut).toBe(true);
      const shown = function* () {
        const buffer = yield* driver.allocate(4096);
        const object = yield* driver.importBuffer(buffer);
        return { buffer, object, display: yield* importer.attach(buffer, "to-device") };
      };
      const one = yield* shown();
      const two = yield* shown();
      const pins = () =>
        [one, two].map(({ object }) => [...object.bindings].reduce((sum, binding) => sum + binding.pins, 0));
      yield* flip(one.display);
      expect(pins()).toEqual([1, 0]);
      yield* flip(two.display);
      expect(pins()).toEqual([0, 1]);
      yield* flip(two.display);
      expect(pins()).toEqual([0, 1]);
      for (const { buffer, object, display } of [one, two]) {
        yield* display.detach();
        yield* object.put();
        buffer.put();
      }
      expect(pins()).toEqual([0, 0]);
    });
  });

  test("takes write-through where there is one, and does not look for it twice", () => {
    const options = { ...withLlc, levels: { ...withLlc.levels, wt: "snoop" as const } };
    onDriver(options, function* ({ driver, system, flushes }) {
      using buffer = yield* driver.allocate(4096);
      const object = yield* driver.importBuffer(buffer);
      const gpu = yield* system.importer("gpu").attach(buffer, "from-device");
      (yield* gpu.transfer("write")).put();
      const display = yield* system.importer("display").attach(buffer, "to-device");
      yield* flip(display);
      expect([object.level, flushes()]).toEqual(["wt", ["clflush"]]);
      yield* flip(display);
      expect([object.level, flushes()]).toEqual(["wt", []]);
      yield* display.detach();
      yield* gpu.detach();
      yield* object.put();
    });
  });

  test.each(["dirtyFb", "swFinish"] as const)("%s flushes a front buffer that stays pinned", (call) => {
    onDriver(withLlc, function* ({ driver, system, flushes }) {
      using buffer = yield* driver.allocate(4096);
      using user = buffer.mmap();
      const object = yield* driver.importBuffer(buffer);
      yield* driver[call](object);
      expect(flushes()).toEqual([]);
      const display = yield* system.importer("display").attach(buffer, "to-device", { pin: "once" });
      for (let frame = 0; frame < 3; frame++) {
        yield* buffer.beginCpuAccess("to-device");
        yield* user.write();
        yield* buffer.endCpuAccess("to-device");
        yield* driver[call](object);
        yield* flip(display);
      }
      expect(flushes()).toEqual(["clflush", "clflush", "clflush", "clflush"]);
      expect(system.hazards).toEqual([]);
      yield* display.detach();
      yield* object.put();
    });
  });
});
