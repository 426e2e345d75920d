// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import type { I915Object } from "../src/index.ts";
import { flushWriteDomain, setToCpuDomain, setToGttDomain, setToWcDomain } from "../src/write-domain.ts";
import { onDriver } from "./driver-bench.ts";
import { card, withLlc, withoutLlc } from "./machine.ts";

const state = ({ readDomains, writeDomain, cacheDirty }: I915Object) => ({
  read: [...readDomains].sort().join(),
  write: writeDomain,
  dirty: cacheDirty,
});

describe("N-1, N-2: what an object starts as", () => {
  const rows = [
    [withLlc, "llc", { read: true, write: true }, false],
    [withLlc, "none", { read: true, write: false }, true],
    [withoutLlc, "none", { read: false, write: false }, true],
    [withoutLlc, "snooped", { read: true, write: true }, false],
    [card, "none", { read: false, write: false }, false],
  ] as const;
  test.each(rows)("%#: %s %s", (options, level, coherency, dirty) => {
    onDriver(options, function* ({ driver }) {
      const object = driver.createObject(4096, { level, region: "system" });
      expect(object.coherency).toEqual(coherency);
      expect(state(object)).toEqual({ read: "cpu", write: "cpu", dirty });
      yield* object.put();
    });
  });
});

describe("N-3: domains", () => {
  test("to the CPU for writing, and away again", () => {
    onDriver(withoutLlc, function* ({ driver, held, flushes }) {
      const object = driver.createObject(4096);
      yield* held(object, function* () {
        yield* object.pages.pin();
        expect(flushes()).toEqual(["set_pages"]);
        expect(state(object)).toEqual({ read: "cpu", write: null, dirty: false });
        yield* setToCpuDomain(object, true);
        expect(state(object)).toEqual({ read: "cpu", write: "cpu", dirty: true });
        yield* setToGttDomain(object, false);
        expect(flushes()).toEqual(["clflush"]);
        expect(state(object)).toEqual({ read: "cpu,gtt", write: null, dirty: false });
        yield* setToCpuDomain(object, false);
        expect(flushes()).toEqual([]);
        yield* setToWcDomain(object, true);
        expect(state(object)).toEqual({ read: "wc", write: "wc", dirty: false });
        yield* setToWcDomain(object, true);
        yield* setToCpuDomain(object, false);
        expect(flushes()).toEqual(["clflush"]);
        expect(state(object)).toEqual({ read: "cpu,wc", write: null, dirty: false });
        object.pages.unpin();
      });
      yield* object.put();
    });
  });

  test("with an LLC the end of CPU access flushes nothing, and leaves it dirty", () => {
    onDriver(withLlc, function* ({ driver, held, flushes }) {
      const object = driver.createObject(4096, { level: "none" });
      yield* held(object, function* () {
        yield* object.pages.pin();
        yield* setToCpuDomain(object, true);
        flushes();
        yield* setToGttDomain(object, false);
        expect(flushes()).toEqual([]);
        expect(state(object)).toEqual({ read: "cpu,gtt", write: null, dirty: true });
        object.pages.unpin();
      });
      yield* object.put();
    });
  });
});

describe("N-4: what ends a write domain", () => {
  test.each([
    ["none", false],
    ["wt", false],
    ["llc", true],
  ] as const)("the GPU's writes under %s leave dirty: %s", (level, dirty) => {
    const options = { ...withLlc, levels: { ...withLlc.levels, wt: "snoop" as const } };
    onDriver(options, function* ({ driver, held }) {
      const object = driver.createObject(4096, { level });
      yield* held(object, function* () {
        object.cacheDirty = false;
        object.writeDomain = "render";
        yield* flushWriteDomain(object, ["cpu"]);
        expect(object.writeDomain).toBe("render");
        yield* flushWriteDomain(object, ["render"]);
        expect([object.writeDomain, object.cacheDirty]).toEqual([null, dirty]);
      });
      yield* object.put();
    });
  });

  test("an object whose page attributes user space chose is never taken for dirty", () => {
    onDriver(withLlc, function* ({ driver, held }) {
      const object = driver.createObject(4096, { level: "llc", patSetByUser: true });
      yield* held(object, function* () {
        object.writeDomain = "render";
        yield* flushWriteDomain(object, ["render"]);
        expect(object.cacheDirty).toBe(false);
      });
      yield* object.put();
    });
  });
});
