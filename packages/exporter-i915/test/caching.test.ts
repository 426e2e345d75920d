// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import type { Caching } from "../src/index.ts";
import { errnoOf, onDriver } from "./driver-bench.ts";
import { foreignBuffer } from "./foreign.ts";
import { card, withLlc, withoutLlc } from "./machine.ts";

describe("N-6: set_caching", () => {
  test.each([
    ["a card", card, "cached", "ENODEV"],
    ["12.70", { ...withoutLlc, graphicsVersion: 12.7 }, "cached", "EOPNOTSUPP"],
    ["nothing snoops", { llc: false, levels: { none: "direct" as const } }, "cached", "ENODEV"],
    ["no choice", withLlc, "warm" as Caching, "EINVAL"],
    ["cached", withLlc, "cached", null],
    ["display", withoutLlc, "display", null],
  ] as const)("%s", (_, options, caching, errno) => {
    onDriver(options, function* ({ driver }) {
      const object = driver.createObject(4096, { region: "system" });
      expect(yield* errnoOf(driver.setCaching(object, caching))).toBe(errno);
      yield* object.put();
    });
  });

  test("refuses what user space chose itself, and what is somebody else's", () => {
    onDriver(withLlc, function* ({ driver, system }) {
      const own = driver.createObject(4096, { patSetByUser: true });
      expect(yield* errnoOf(driver.setCaching(own, "none"))).toBe("EOPNOTSUPP");
      yield* own.put();
      const other = foreignBuffer(system);
      const object = yield* driver.importBuffer(other);
      expect(yield* errnoOf(driver.setCaching(object, "none"))).toBe("ENXIO");
      expect(yield* errnoOf(driver.setDomain(object, ["cpu"]))).toBe("ENXIO");
      yield* object.put();
      other.put();
    });
  });

  test("a new level waits for jobs, unbinds, and goes into the page tables at the next use", () => {
    onDriver(withLlc, function* ({ driver, system }) {
      using buffer = yield* driver.allocate(8192);
      const object = yield* driver.importBuffer(buffer);
      const gpu = yield* system.importer("gpu").attach(buffer, "bidirectional");
      const job = yield* gpu.transfer("write");
      const [first] = object.bindings;
      expect(driver.ppgtt.entryAt(first?.offset ?? -1)?.level).toBe("llc");
      expect(driver.ppgtt.entryAt(8192)).toBe(null);
      yield* driver.setCaching(object, "none");
      expect([job.isSignaled, object.bindings.size, object.cacheDirty]).toEqual([true, 0, true]);
      job.put();
      const next = yield* gpu.transfer("read");
      expect(driver.ppgtt.entryAt(4096)).toEqual({
        address: object.backing.extents.addressAt(4096),
        level: "none",
      });
      yield* next.wait();
      next.put();
      yield* gpu.detach();
      yield* object.put();
    });
  });

  test("answers EBUSY while the display has it pinned", () => {
    onDriver(withLlc, function* ({ driver, system }) {
      using buffer = yield* driver.allocate(4096);
      const object = yield* driver.importBuffer(buffer);
      const display = yield* system.importer("display").attach(buffer, "to-device");
      const flip = yield* display.transfer("read");
      yield* flip.wait();
      flip.put();
      expect(object.level).toBe("none");
      expect(yield* errnoOf(driver.setCaching(object, "cached"))).toBe("EBUSY");
      yield* display.detach();
      expect(yield* errnoOf(driver.setCaching(object, "cached"))).toBe(null);
      yield* object.put();
    });
  });
});

describe("N-7: set_domain", () => {
  test.each([
    [card, ["cpu"], null, "ENODEV"],
    [withLlc, ["render"], null, "EINVAL"],
    [withLlc, ["cpu"], "render", "EINVAL"],
    [withLlc, ["cpu", "gtt"], "cpu", "EINVAL"],
    [withLlc, [], "cpu", "EINVAL"],
    [withLlc, [], null, null],
    [withLlc, ["cpu"], "cpu", null],
    [withLlc, ["gtt"], "gtt", null],
    [withLlc, ["wc"], null, null],
  ] as const)("%#: read %j, write %s", (options, read, write, errno) => {
    onDriver(options, function* ({ driver }) {
      const object = driver.createObject(4096, { region: "system" });
      expect(yield* errnoOf(driver.setDomain(object, read, write))).toBe(errno);
      if (errno === null && write !== null) expect(object.writeDomain).toBe(write);
      expect(object.pages.pins).toBe(0);
      yield* object.put();
    });
  });
});
