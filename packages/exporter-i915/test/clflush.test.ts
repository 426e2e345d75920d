// SPDX-License-Identifier: MIT
import { DmaFence } from "@dmabuf/core/sync";
import { describe, expect, test } from "vitest";
import { clflush } from "../src/clflush.ts";
import { onDriver } from "./driver-bench.ts";
import { card, withLlc, withoutLlc } from "./machine.ts";

describe("N-5: clflush", () => {
  test("coherent for reading: only when forced", () => {
    onDriver(withLlc, function* ({ driver, held, flushes }) {
      const object = driver.createObject(4096, { level: "none" });
      yield* held(object, function* () {
        expect(yield* clflush(object, { sync: true })).toBe(false);
        expect([object.cacheDirty, flushes()]).toEqual([true, []]);
        expect(yield* clflush(object, { force: true, sync: true })).toBe(true);
        // There are no pages yet: nothing to flush, and it is still taken for dirty.
        expect([object.cacheDirty, flushes()]).toEqual([true, ["clflush"]]);
      });
      yield* object.put();
    });
  });

  test("a work item flushes after all fences, and publishes its own as a kernel fence", () => {
    onDriver(withoutLlc, function* ({ driver, held, system }) {
      const object = driver.createObject(4096);
      const { fences } = system.dmaBuf;
      const ops = { driverName: "somebody", timelineName: "else" };
      const fence = DmaFence.init(fences, ops, fences.contextAlloc(), 1);
      yield* held(object, function* () {
        yield* object.pages.pin();
        object.pages.unpin();
        object.cacheDirty = true;
        object.resv.reserveFences(1);
        object.resv.addFence(fence, "read");
        const before = system.analysis.log.length;
        expect(yield* clflush(object, {})).toBe(true);
        expect([object.cacheDirty, object.pages.pins]).toEqual([false, 1]);
        expect(object.resv.testSignaled("kernel")).toBe(false);
        yield 1_000_000;
        expect(system.analysis.log.length).toBe(before);
        fence.signal();
        fence.put();
        yield* object.resv.wait("kernel");
        expect(system.analysis.log.length).toBe(before + 1);
      });
      yield 1;
      expect(object.pages.pins).toBe(0);
      yield* object.put();
    });
  });

  test("flushes in place what it cannot pin, and nothing that has no struct pages or is on a card", () => {
    onDriver(withoutLlc, function* ({ driver, held, flushes }) {
      const object = driver.createObject(512 << 20);
      yield* held(object, function* () {
        expect(yield* clflush(object, {})).toBe(true);
        expect([object.resv.testSignaled("kernel"), flushes()]).toEqual([true, ["clflush"]]);
      });
      yield* object.put();
      const stolen = driver.createObject(4096, { region: "stolen" });
      yield* held(stolen, function* () {
        expect([yield* clflush(stolen, { force: true }), stolen.cacheDirty]).toEqual([false, false]);
      });
      yield* stolen.put();
    });
    onDriver(card, function* ({ driver, held, flushes }) {
      const object = driver.createObject(4096, { region: "system" });
      yield* held(object, function* () {
        expect(yield* clflush(object, { force: true })).toBe(false);
      });
      expect(flushes()).toEqual([]);
      yield* object.put();
    });
  });

  test("names itself in what a run finds needless", () => {
    onDriver(withoutLlc, function* ({ driver, held, system }) {
      const object = driver.createObject(4096);
      yield* held(object, function* () {
        yield* object.pages.pin();
        object.pages.unpin();
        yield* clflush(object, { sync: true });
      });
      const { log } = system.analysis;
      const { trace } = system.simulation;
      const asked = trace.at(trace.at(log.cause(log.length - 1))?.cause ?? -1);
      expect(asked?.point.name).toBe("i915_gem_object_clflush");
      yield* object.put();
    });
  });
});
