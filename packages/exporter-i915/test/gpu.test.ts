// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { errnoOf, onDriver } from "./driver-bench.ts";
import { withLlc, withoutLlc } from "./machine.ts";

describe("N-5: a job of the GPU", () => {
  test("flushes what the CPU has left dirty, by a work item that it waits for", () => {
    onDriver(withoutLlc, function* ({ driver, system, flushes }) {
      using buffer = yield* driver.allocate(8192);
      using user = buffer.mmap();
      const object = yield* driver.importBuffer(buffer);
      const gpu = yield* system.importer("gpu").attach(buffer, "to-device");
      for (let frame = 0; frame < 3; frame++) {
        // Nobody ends the access: the CPU is still the one that writes.
        yield* buffer.beginCpuAccess("to-device");
        yield* user.write();
        flushes();
        const job = yield* gpu.transfer("read");
        expect([flushes(), object.cacheDirty, object.writeDomain]).toEqual([["clflush"], false, null]);
        yield* job.wait();
        job.put();
      }
      expect(system.hazards).toEqual([]);
      yield* gpu.detach();
      yield* object.put();
    });
  });

  test("flushes nothing that it sees, and drains each time", () => {
    onDriver(withLlc, function* ({ driver, system, flushes }) {
      using buffer = yield* driver.allocate(8192, { cache: "none" });
      using user = buffer.mmap();
      const gpu = yield* system.importer("gpu").attach(buffer, "bidirectional");
      const drains = () =>
        [...system.simulation.trace.events()].filter(({ point }) => point.name === "wmb").length;
      const before = drains();
      for (const kind of ["read", "write", "read"] as const) {
        yield* buffer.beginCpuAccess("to-device");
        yield* user.write();
        const job = yield* gpu.transfer(kind);
        yield* job.wait();
        job.put();
      }
      expect(flushes()).toEqual(["set_pages"]);
      expect(drains() - before).toBeGreaterThanOrEqual(3);
      expect(system.hazards).toEqual([]);
      yield* gpu.detach();
    });
  });

  test("moves the object to the GPU, for writing out of every other domain", () => {
    onDriver(withLlc, function* ({ driver, system }) {
      using buffer = yield* driver.allocate(4096);
      const object = yield* driver.importBuffer(buffer);
      const gpu = yield* system.importer("gpu").attach(buffer, "bidirectional");
      for (const [kind, read, write] of [
        ["read", ["cpu", "render"], null],
        ["write", ["render"], "render"],
        ["read", ["render"], null],
      ] as const) {
        const job = yield* gpu.transfer(kind);
        expect([[...object.readDomains], object.writeDomain, object.active]).toEqual([read, write, 1]);
        yield* job.wait();
        job.put();
        expect(object.active).toBe(0);
      }
      yield* gpu.detach();
      yield* object.put();
    });
  });

  test("answers ENOSPC when the address space is too small, and leaves nothing pinned", () => {
    onDriver({ ...withLlc, ppgtt: 8192 }, function* ({ driver, system }) {
      using buffer = yield* driver.allocate(12288);
      const object = yield* driver.importBuffer(buffer);
      const gpu = yield* system.importer("gpu").attach(buffer, "to-device");
      expect(yield* errnoOf(gpu.transfer("read"))).toBe("ENOSPC");
      expect([object.pages.pins, object.resv.isLocked]).toEqual([0, false]);
      yield* gpu.detach();
      yield* object.put();
    });
  });
});
