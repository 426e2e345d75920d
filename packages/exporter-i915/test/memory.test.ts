// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import type { ShmemBacking } from "../src/shmem-backing.ts";
import { errnoNow, errnoOf, onDriver } from "./driver-bench.ts";
import { card, withLlc, withoutLlc } from "./machine.ts";

describe("N-9: a GPU that can bypass the LLC", () => {
  test("has every object flushed when its pages are acquired", () => {
    onDriver({ ...withLlc, bypassesLlc: true }, function* ({ driver, flushes, held }) {
      const object = driver.createObject(4096);
      yield* held(object, () => object.pages.pin());
      expect(flushes()).toEqual(["set_pages"]);
      object.pages.unpin();
      yield* object.put();
    });
  });
});

describe("N-10: export", () => {
  test("pins as long as somebody is attached, and maps without maintenance", () => {
    onDriver(withoutLlc, function* ({ driver, system, flushes }) {
      using buffer = yield* driver.allocate(8192);
      const object = yield* driver.importBuffer(buffer);
      const attachment = yield* buffer.attach(system.device("camera"));
      expect([object.pages.pins, flushes()]).toEqual([1, ["set_pages"]]);
      const mapping = yield* attachment.mapUnlocked("to-device");
      expect([mapping.skipCpuSync, flushes()]).toEqual([true, []]);
      yield* attachment.unmapUnlocked(mapping);
      yield* attachment.detach();
      expect(object.pages.pins).toBe(0);
      yield* object.put();
    });
  });

  test("moves local memory to the system's for an importer, content and all", () => {
    onDriver(card, function* ({ driver, system }) {
      using buffer = yield* driver.allocate(8192);
      const object = yield* driver.importBuffer(buffer);
      using user = buffer.mmap();
      yield* user.write();
      expect([object.backing.region, user.memoryType]).toEqual(["local", "write-combining"]);
      const camera = yield* system.importer("camera").attach(buffer, "to-device");
      expect([object.backing.region, object.pages.pins]).toEqual(["system", 1]);
      const fence = yield* camera.transfer("read");
      yield* fence.wait();
      fence.put();
      expect(system.hazards).toEqual([]);
      yield* camera.detach();
      yield* object.put();
    });
  });

  test("answers EOPNOTSUPP for memory that must stay local, or is pinned there", () => {
    onDriver(card, function* ({ driver, system }) {
      const stays = driver.createObject(4096, { placements: ["local"] });
      using buffer = driver.exportObject(stays);
      expect(yield* errnoOf(buffer.attach(system.device("camera")))).toBe("EOPNOTSUPP");
      yield* stays.put();
      using other = yield* driver.allocate(4096);
      const mapping = yield* other.vmapUnlocked();
      expect(mapping.memoryType).toBe("write-combining");
      expect(yield* errnoOf(other.attach(system.device("camera")))).toBe("EOPNOTSUPP");
      yield* other.vunmapUnlocked(mapping);
      expect(driver.services.memory.regions.some(({ name }) => name === "vram")).toBe(true);
    });
  });
});

describe("N-14: stolen memory", () => {
  test("is contiguous, runs out, is not exported and never swapped", () => {
    onDriver(withLlc, function* ({ driver }) {
      const stolen = driver.createObject(1 << 20, { region: "stolen" });
      expect(stolen.backing).toMatchObject({ structPages: false });
      expect([...stolen.backing.extents.pairs]).toEqual([0x800_0000, 0x810_0000]);
      expect(errnoNow(() => driver.createObject(4096, { region: "stolen" }))).toBe("ENOMEM");
      expect(errnoNow(() => driver.exportObject(stolen))).toBe("ENODEV");
      expect(yield* errnoOf(driver.swapOut(stolen))).toBe("EINVAL");
      yield* stolen.put();
      yield* driver.createObject(1 << 20, { region: "stolen" }).put();
    });
  });

  test("a machine may have none, or name one that the board lacks", () => {
    onDriver(withLlc, function* ({ driver }) {
      expect(errnoNow(() => driver.createObject(4096, { region: "local" }))).toBe("ENODEV");
      yield 0;
    });
    expect(() => onDriver({ ...withLlc, stolen: "nothing" }, function* () {})).toThrow(
      'no carve-out "nothing"',
    );
  });
});

describe("swap", () => {
  test("an idle object comes back elsewhere, with its content", () => {
    onDriver(withoutLlc, function* ({ driver, system, flushes }) {
      using buffer = yield* driver.allocate(8192);
      const object = yield* driver.importBuffer(buffer);
      const gpu = yield* system.importer("gpu").attach(buffer, "bidirectional");
      for (let round = 0; round < 2; round++) {
        const written = yield* gpu.transfer("write");
        expect(yield* errnoOf(driver.swapOut(object))).toBe("EBUSY");
        yield* written.wait();
        written.put();
        const before = [...object.backing.extents.pairs];
        const free = system.memory.pages.freePageCount();
        flushes();
        yield* driver.swapOut(object);
        // The CPU has nothing of the GPU's writes until it reads them for the swap device.
        expect(flushes()).toEqual(["flush_map"]);
        expect([object.bindings.size, (object.backing as ShmemBacking).swappedOut]).toEqual([0, true]);
        expect(system.memory.pages.freePageCount()).toBe(free + 2);
        const other = driver.createObject(65536 << round);
        void other.backing.extents;
        const read = yield* gpu.transfer("read");
        yield* read.wait();
        read.put();
        expect(flushes()).toEqual(["set_pages"]);
        expect([...object.backing.extents.pairs]).not.toEqual(before);
        yield* other.put();
      }
      expect(system.hazards).toEqual([]);
      yield* gpu.detach();
      yield* object.put();
    });
  });

  test("what is attached, scanned or locked stays; what has no pages has nothing to give", () => {
    onDriver(withLlc, function* ({ driver, system, held }) {
      using buffer = yield* driver.allocate(4096);
      const object = yield* driver.importBuffer(buffer);
      const attachment = yield* buffer.attach(system.device("camera"));
      expect(yield* errnoOf(driver.swapOut(object))).toBe("EBUSY");
      yield* attachment.detach();
      const display = yield* system.importer("display").attach(buffer, "to-device");
      const flip = yield* display.transfer("read");
      yield* flip.wait();
      flip.put();
      expect(yield* errnoOf(driver.swapOut(object))).toBe("EBUSY");
      yield* display.detach();
      const { simulation } = system;
      yield* held(object, function* () {
        const task = simulation.spawn("shrinker", errnoOf(driver.swapOut(object)));
        yield* task.join();
        expect(task.result).toBe("EBUSY");
      });
      yield* driver.swapOut(object);
      yield* driver.swapOut(object);
      using user = buffer.mmap();
      yield* user.read();
      expect((object.backing as ShmemBacking).swappedOut).toBe(false);
      const fresh = driver.createObject(4096);
      yield* driver.swapOut(fresh);
      yield* fresh.put();
      yield* object.put();
    });
  });
});
