// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { FreeRanges } from "../src/free-ranges.ts";
import { type I915Options, i915 } from "../src/index.ts";
import { errnoNow, onDriver } from "./driver-bench.ts";
import { withLlc, withoutLlc } from "./machine.ts";

describe("options", () => {
  test.each([
    [{ llc: true, levels: { llc: "snoop" } }, "every machine has the level none"],
    [{ ...withLlc, levels: { none: "snoop", snooped: "snoop" } }, "not snooped"],
    [{ ...withoutLlc, levels: { none: "direct", llc: "snoop" } }, "not llc"],
    [{ ...withLlc, defaultLevel: "wt" }, '"wt" is none of its levels: none, llc'],
    [{ ...withLlc, localMemory: "vram" }, "only a discrete card"],
  ])("%#: refused", (options, reason) => {
    expect(() => i915(options as I915Options)).toThrow(reason);
  });

  test("levels, the default first", () => {
    onDriver(withLlc, function* ({ driver }) {
      expect(driver.cacheLevels).toEqual(["llc", "none"]);
      expect(errnoNow(() => driver.createObject(4096, { level: "wt" }))).toBe("EINVAL");
      yield 0;
    });
    onDriver({ ...withoutLlc, defaultLevel: "snooped" }, function* ({ driver }) {
      expect(driver.cacheLevels).toEqual(["snooped", "none"]);
      yield 0;
    });
  });
});

describe("free addresses", () => {
  test("are taken from below and merge when they come back", () => {
    const free = new FreeRanges(10);
    expect([free.take(4, 10), free.take(4, 10), free.take(4, 10), free.take(2, 9), free.take(2, 10)]).toEqual(
      [0, 4, null, null, 8],
    );
    free.give(0, 4);
    free.give(8, 2);
    expect(free.take(5, 10)).toBe(null);
    free.give(4, 4);
    expect(free.take(10, 10)).toBe(0);
    free.give(0, 2);
    free.give(2, 2);
    free.give(6, 2);
    free.give(4, 2);
    expect([free.take(8, 8), new FreeRanges(0).take(1, 1)]).toEqual([0, null]);
  });
});
