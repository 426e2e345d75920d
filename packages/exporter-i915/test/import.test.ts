// SPDX-License-Identifier: MIT
import type { ImportedBuffer, Process } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { errnoOf, onDriver } from "./driver-bench.ts";
import { foreignBuffer } from "./foreign.ts";
import { card, withLlc, withoutLlc } from "./machine.ts";

function* done(imported: ImportedBuffer, kind: "read" | "write"): Process {
  const fence = yield* imported.transfer(kind);
  yield* fence.wait();
  fence.put();
}

describe("N-13: import", () => {
  test("its own buffer is its own object, and nobody is attached", () => {
    onDriver(withLlc, function* ({ driver, system }) {
      const object = driver.createObject(4096);
      using buffer = driver.exportObject(object);
      using again = driver.exportObject(object);
      expect(again).toBe(buffer);
      const imported = yield* driver.importBuffer(buffer);
      expect([imported === object, buffer.attachments.length]).toEqual([true, 0]);
      yield* imported.put();
      yield* object.put();
      const gpu = yield* system.importer("gpu").attach(buffer, "from-device");
      yield* done(gpu, "write");
      yield* gpu.detach();
    });
  });

  test("somebody else's is attached once for both devices, mapped both ways, and given back", () => {
    onDriver(withLlc, function* ({ system }) {
      const buffer = foreignBuffer(system);
      const gpu = yield* system.importer("gpu").attach(buffer, "from-device");
      const display = yield* system.importer("display").attach(buffer, "to-device");
      expect(buffer.attachments.length).toBe(1);
      expect([...system.dma.live].map((mapping) => "direction" in mapping && mapping.direction)).toEqual([
        "bidirectional",
      ]);
      yield* done(gpu, "write");
      yield* done(display, "read");
      yield* gpu.detach();
      expect(buffer.attachments.length).toBe(1);
      yield* display.detach();
      expect([buffer.attachments.length, system.dma.live.size, buffer.references]).toEqual([0, 0, 1]);
      buffer.put();
    });
  });

  test.each([
    ["with an LLC", withLlc, []],
    ["without", withoutLlc, ["get_pages_dmabuf"]],
    ["on the card that always snoops", card, []],
    ["where the GPU bypasses the LLC", { ...withLlc, bypassesLlc: true }, ["get_pages_dmabuf"]],
  ])("flushes everything when it acquires the pages: %s", (_, options, expected) => {
    onDriver(options, function* ({ system, flushes }) {
      using buffer = foreignBuffer(system);
      const gpu = yield* system.importer("gpu").attach(buffer, "bidirectional");
      expect(flushes()).toEqual(expected);
      yield* done(gpu, "read");
      yield* done(gpu, "write");
      expect(flushes()).toEqual([]);
      yield* gpu.detach();
    });
  });

  test("answers E2BIG for more pages than it counts", () => {
    onDriver(withLlc, function* ({ driver, system }) {
      using buffer = foreignBuffer(system, 2 ** 31 * 4096);
      expect(yield* errnoOf(driver.importBuffer(buffer))).toBe("E2BIG");
      using most = foreignBuffer(system, (2 ** 31 - 1) * 4096);
      const object = yield* driver.importBuffer(most);
      expect([object.level, [...object.readDomains], object.writeDomain]).toEqual(["none", ["gtt"], null]);
      yield* object.put();
    });
  });

  test("for PRIME, whose files have tables of their own, each import is a new object (G-3)", () => {
    onDriver(withLlc, function* ({ driver, system }) {
      using buffer = foreignBuffer(system);
      const one = yield* driver.importBuffer(buffer);
      const two = yield* driver.importBuffer(buffer);
      expect([one === two, buffer.attachments.length]).toEqual([false, 2]);
      yield* one.put();
      yield* two.put();
      expect(buffer.attachments.length).toBe(0);
    });
  });

  test("the display refuses to write", () => {
    onDriver(withLlc, function* ({ system }) {
      using buffer = foreignBuffer(system);
      expect(yield* errnoOf(system.importer("display").attach(buffer, "from-device"))).toBe("EINVAL");
    });
  });

  test("the last reference may go in atomic context: a worker detaches", () => {
    onDriver(withLlc, function* ({ driver, system }) {
      using buffer = foreignBuffer(system);
      const object = yield* driver.importBuffer(buffer);
      object.putLater();
      expect(buffer.attachments.length).toBe(1);
      yield 1000;
      expect(buffer.attachments.length).toBe(0);
    });
  });
});
