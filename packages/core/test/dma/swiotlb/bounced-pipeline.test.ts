// SPDX-License-Identifier: MIT
import "../../../src/vitest.ts";
import { describe, expect, test } from "vitest";
import {
  Extents,
  type Finding,
  type Pipeline,
  type RunReport,
  type Stage,
  type System,
} from "../../../src/index.ts";
import { narrowPlatform } from "./narrow-platform.ts";
import { PAGE } from "./narrow-system.ts";

const run = (stages: readonly Stage[], rest: Partial<Pipeline> = {}, options = {}): RunReport =>
  narrowPlatform().run(
    { buffers: { b: { size: 8192 } }, stages, exporter: "scattered", frames: 2, ...rest },
    { data: 7, ...options },
  );

const bounced = ({ findings }: RunReport): readonly Finding[] =>
  findings.filter(({ code }) => code === "bounced-share");

describe("a buffer that one of its devices gets a copy of", () => {
  test("goes stale for the others when that one captures", () => {
    const report = run([
      { device: "narrow", writes: "b" },
      { device: "wide", reads: "b" },
    ]);
    expect(report.verdict).toBe("incoherent");
    expect(report).toHaveFinding("stale-read", { device: "wide" });
    expect(report.findings.find(({ code }) => code === "stale-read")?.message).toContain(
      "the new data is still in narrow's bounce buffer",
    );
    expect(bounced(report)).toHaveLength(1);
    expect(bounced(report)[0]).toMatchObject({
      ...{ severity: "warning", device: "narrow", buffer: "b", range: [0, 8192] },
      message:
        "narrow works on a copy of 8192 bytes of b[0]: its DMA mask ends at 0xffffffff, and the page at 0x100000000 lies beyond",
    });
  });

  test("goes stale for that one when another captures, coherent devices or not", () => {
    for (const [from, to] of [
      ["wide", "narrow"],
      ["dac", "seeing"],
      ["wide", "seeing"],
    ] as const) {
      const report = run([
        { device: from, writes: "b" },
        { device: to, reads: "b" },
      ]);
      expect(report).toHaveFinding("stale-read", { device: to });
      expect(bounced(report).map(({ device }) => device)).toEqual([to]);
    }
  });

  test("goes stale among two that have a copy each", () => {
    const report = run([
      { device: "seeing", writes: "b" },
      { device: "narrow", reads: "b" },
    ]);
    expect(report).toHaveFinding("stale-read", { device: "narrow" });
    expect(bounced(report).map(({ device }) => device)).toEqual(["seeing", "narrow"]);
  });

  test("is fine for devices without a limit", () => {
    const report = run([
      { device: "wide", writes: "b" },
      { name: "again", device: "wide", reads: "b" },
    ]);
    expect(report).toBeCoherent();
    expect(report).not.toHaveFinding("bounced-share");
  });

  test("is fine as long as nobody but that one uses it, with one mapping", () => {
    const alone = run([{ device: "narrow", writes: "b" }]);
    expect(alone).toBeCoherent();
    expect(alone).toHaveFinding("bounced-share", { device: "narrow" });
    // Attached twice it has two copies, and does not see its own data.
    const twice = run([
      { device: "narrow", writes: "b" },
      { name: "again", device: "narrow", reads: "b" },
    ]);
    expect(twice).toHaveFinding("stale-read", { stage: "again", device: "narrow" });
    expect(bounced(twice)[0]).toMatchObject({ count: 2 });
  });

  test("is unreachable without swiotlb", () => {
    const stages = [{ device: "narrow", writes: "b" }];
    const off = narrowPlatform({ swiotlb: false });
    const report = off.run({ buffers: { b: { size: 8192 } }, stages, exporter: "scattered" });
    expect(report.verdict).toBe("impossible");
    expect(report).toHaveFinding("unreachable");
  });
});

describe("by hand", () => {
  const stale = (
    act: (scene: {
      system: System;
      map(name: string): ReturnType<System["dma"]["mapSgtable"]>;
      use(mapping: ReturnType<System["dma"]["mapSgtable"]>, kind: "read" | "write"): void;
      cpu(kind: "read" | "write"): void;
    }) => void,
  ): number => {
    const system = narrowPlatform().boot({ data: 3 });
    const page = system.memory.pages.allocatePages(0, "normal") ?? 0;
    const extents = Extents.of([page, page + PAGE]);
    system.cpu.access("clear", extents);
    const machines = [system.analysis, ...(system.data === null ? [] : [system.data])];
    act({
      system,
      map: (name) => system.dma.mapSgtable(system.device(name), extents, "bidirectional"),
      use({ placement, device }, kind) {
        for (const { route, extents: part } of placement.reached(extents, device.route, {
          kind,
          offset: 0,
          event: -1,
        }))
          for (const machine of machines) machine.access(route, kind, part);
      },
      cpu: (kind) => system.cpu.access(kind, extents),
    });
    expect(system.observed.length > 0, "real bytes").toBe(system.hazards.some(isStaleRead));
    return system.hazards.filter(isStaleRead).length;
  };
  const isStaleRead = ({ code }: { code: string }): boolean => code === "stale-read";

  test.each(["narrow", "seeing"])("%s: unmapped before another one looks, and mapped anew", (name) => {
    expect(
      stale(({ system: { dma }, map, use, cpu }) => {
        const first = map(name);
        use(first, "write");
        dma.unmapSgtable(first);
        cpu("read");
        cpu("write");
        const second = map(name);
        use(second, "read");
      }),
    ).toBe(0);
  });

  test.each(["narrow", "seeing"])("%s: synced around what the CPU does", (name) => {
    const round = (syncs: boolean) => {
      return stale(({ system: { dma }, map, use, cpu }) => {
        const mapping = map(name);
        use(mapping, "write");
        if (syncs) dma.syncSgtableForCpu(mapping);
        cpu("read");
        cpu("write");
        if (syncs) dma.syncSgtableForDevice(mapping);
        use(mapping, "read");
      });
    };
    expect(round(true)).toBe(0);
    expect(round(false)).toBe(2);
  });

  test("what the CPU writes after the map is not what the device reads", () => {
    expect(
      stale(({ map, use, cpu }) => {
        const mapping = map("seeing");
        cpu("write");
        use(mapping, "read");
      }),
    ).toBe(1);
  });
});
