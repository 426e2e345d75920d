// SPDX-License-Identifier: MIT
import "../../src/vitest.ts";
import { describe, expect, test } from "vitest";
import type { MaintenanceKind } from "../../src/coherency.ts";
import { type Arch, definePlugin, type RunReport, type Stage } from "../../src/index.ts";
import { acquisition } from "./acquisition.ts";

/** Maintenance in words: `clean l1`, in order. */
type Words = readonly `${MaintenanceKind} ${"l1" | "l2"}`[];

/** An architecture with an outer cache, and the maintenance that it does. */
const stacked = (forDevice: Words, forCpu: Words) => {
  const all = (words: Words, extents: Parameters<Arch["syncForCpu"]>[0]) =>
    words.map((word) => {
      const [kind, domain] = word.split(" ") as [MaintenanceKind, string];
      return { kind, domain, extents };
    });
  const arch: Arch = {
    name: "stacked",
    domains: { l1: { line: 32, behind: "l2" }, l2: { line: 32 } },
    cpuDomain: "l1",
    dmaDefaultCoherent: false,
    syncForDevice: (extents) => all(forDevice, extents),
    syncForCpu: (extents, direction) => (direction === "to-device" ? [] : all(forCpu, extents)),
    lineCost: () => 10,
  };
  return definePlugin({ name: "test/stacked", provides: { arch: () => arch } });
};

function run(stages: readonly Stage[], forDevice: Words, forCpu: Words): RunReport {
  const platform = acquisition(stacked(forDevice, forCpu));
  return platform.run({ buffers: { b: { size: 8192, count: 2 } }, stages, exporter: "syncing", frames: 4 });
}

const cleans: Words = ["clean l1", "clean l2"];
const invalidates: Words = ["invalidate l2", "invalidate l1"];

describe("a platform with an outer cache", () => {
  const play: readonly Stage[] = [
    { name: "fill", cpu: true, writes: "b" },
    { device: "direct", reads: "b" },
  ];
  const capture: readonly Stage[] = [
    { device: "direct", writes: "b" },
    { name: "look", cpu: true, reads: "b" },
  ];
  const messages = ({ findings }: RunReport): string[] =>
    findings.filter(({ code }) => code === "stale-read").map(({ message }) => message);

  test("is coherent when maintenance goes with the data, and against it", () => {
    expect(run(play, cleans, invalidates)).toBeCoherent();
    expect(run(capture, cleans, invalidates)).toBeCoherent();
  });

  test.each<[Words, string]>([
    [["clean l1"], "the new data is still in l2's cache"],
    [["clean l2", "clean l1"], "the new data is still in l2's cache"],
    [["clean l2"], "the new data is still in l1's cache"],
  ])("finds a device that reads after %j", (forDevice, reason) => {
    expect(messages(run(play, forDevice, invalidates)).join()).toContain(reason);
  });

  test.each<[Words, string]>([
    [["invalidate l1"], "an old line is still in l2's cache"],
    [["invalidate l1", "invalidate l2"], "an old line is still in l1's cache"],
    [["invalidate l2"], "an old line is still in l1's cache"],
  ])("finds a CPU that reads after %j", (forCpu, reason) => {
    expect(messages(run(capture, cleans, forCpu)).join()).toContain(reason);
  });

  test("throws a zeroed buffer away before a capture, and nobody minds, if it begins inside", () => {
    expect(run(capture, ["invalidate l1", "invalidate l2"], invalidates)).toBeCoherent();
    // The other way round, the inner cache may write its dirty line back into the outer one in between.
    expect(run(capture, ["invalidate l2", "invalidate l1"], invalidates)).toHaveFinding("lost-write");
  });

  test("says which maintenance is missing, in order", () => {
    const { findings } = run(play, [], invalidates);
    const fix = findings.find(({ code }) => code === "stale-read")?.fix ?? [];
    expect(fix.map((text) => text.slice(0, 34))).toEqual([
      "clean the lines in l1's cache befo",
      "clean the lines in l2's cache befo",
    ]);
  });
});
