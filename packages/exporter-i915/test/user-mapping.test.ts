// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { userMapping } from "../src/index.ts";
import { errnoNow, errnoOf, onDriver } from "./driver-bench.ts";
import { card, withLlc, withoutLlc } from "./machine.ts";

describe("N-12: mappings of user space", () => {
  test.each([
    ["wb", "write-back", undefined],
    ["wc", "write-combining", undefined],
    ["gtt", "write-combining", "snoop"],
  ] as const)("%s is %s", (type, memoryType, route) => {
    onDriver(withLlc, function* ({ driver }) {
      expect(driver.mmapTypes).toEqual(["wb", "wc", "gtt"]);
      using buffer = yield* driver.allocate(8192, { cache: "none" });
      using mapping = buffer.mmap(type);
      expect(mapping.memoryType).toBe(memoryType);
      expect(buffer.ops.mmap?.(buffer, type).route?.kind).toBe(route);
      yield* mapping.write();
      yield* mapping.read();
    });
  });

  test("the aperture goes the way of its page-table entries, and holds what was touched last", () => {
    onDriver({ ...withoutLlc, aperture: 16384 }, function* ({ driver, system }) {
      const window = (size: number, level: "none" | "snooped") => {
        const object = driver.createObject(size, { level });
        return { object, pages: userMapping(object, "gtt") };
      };
      const one = window(8192, "none");
      const two = window(8192, "snooped");
      expect(one.pages.extents.bytes + two.pages.extents.bytes).toBe(16384);
      expect([one.pages.route?.kind, two.pages.route?.kind]).toEqual(["direct", "snoop"]);
      expect([one.object.bindings.size, two.object.bindings.size]).toEqual([1, 1]);
      const three = window(4096, "none");
      void three.pages.extents;
      expect([one.object.bindings.size, two.object.bindings.size]).toEqual([0, 1]);
      const large = window(20480, "none");
      expect(errnoNow(() => large.pages.extents)).toBe("ENOSPC");
      expect(large.object.pages.pins).toBe(0);
      const faults = [...system.simulation.trace.events()].filter(
        (e) => e.point.name === "i915_gem_object_fault",
      );
      expect(faults.length).toBe(4);
      for (const { object } of [one, two, three, large]) yield* object.put();
      expect(driver.ggtt.entryAt(0)).toBe(null);
    });
  });

  test("what the display scans beyond the aperture does not move", () => {
    onDriver({ ...withLlc, aperture: 4096 }, function* ({ driver, system }) {
      using buffer = yield* driver.allocate(4096);
      const first = driver.createObject(4096);
      void userMapping(first, "gtt").extents;
      const display = yield* system.importer("display").attach(buffer, "to-device");
      const flip = yield* display.transfer("read");
      yield* flip.wait();
      flip.put();
      using mapping = buffer.mmap("gtt");
      expect(yield* errnoOf(mapping.read())).toBe("ENOSPC");
      yield* display.detach();
      expect(yield* errnoOf(mapping.read())).toBe(null);
      yield* first.put();
    });
  });

  test("answers EINVAL for more than there is, ENODEV for memory without a file", () => {
    onDriver(withLlc, function* ({ driver }) {
      const object = driver.createObject(4096);
      expect(errnoNow(() => userMapping(object, "wb", 8192))).toBe("EINVAL");
      yield* object.put();
      const stolen = driver.createObject(4096, { region: "stolen" });
      expect(["wb", "wc", "gtt"].map((type) => errnoNow(() => userMapping(stolen, type as "wb")))).toEqual([
        "ENODEV",
        "ENODEV",
        null,
      ]);
      yield* stolen.put();
    });
    onDriver(card, function* ({ driver }) {
      const object = driver.createObject(4096);
      expect(errnoNow(() => userMapping(object, "wb"))).toBe("ENODEV");
      expect(userMapping(object, "wc").memoryType).toBe("write-combining");
      expect(driver.mmapTypes).toEqual(["wc"]);
      yield* object.put();
    });
  });
});

describe("N-12: mappings of the kernel", () => {
  test.each([
    ["flushes what the GPU would not see", withoutLlc, ["set_pages", "flush_map"]],
    ["flushes nothing where it does", withLlc, []],
  ])("vunmap %s", (_, options, expected) => {
    onDriver(options, function* ({ driver, flushes }) {
      using buffer = yield* driver.allocate(4096);
      const mapping = yield* buffer.vmapUnlocked();
      expect(mapping.memoryType).toBe("write-back");
      yield* mapping.write();
      yield* buffer.vunmapUnlocked(mapping);
      expect(flushes()).toEqual(expected);
    });
  });
});
