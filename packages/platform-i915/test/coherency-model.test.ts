// SPDX-License-Identifier: MIT
import { Extents, type System } from "@dmabuf/core";
import type { AccessKind, RouteSpec } from "@dmabuf/core/coherency";
import type { CacheLevel } from "@dmabuf/exporter-i915";
import { describe, expect, test } from "vitest";
import { i915, type MachineName, machines } from "../src/index.ts";

// The coherency model of each machine, played: who sees what whom wrote, without any flush.

const frame = Extents.of([0x100_0000, 0x104_0000]);

/** An access by the CPU, by a device, or by the GPU under a cache level. */
function access(system: System, machine: MachineName, who: string, kind: AccessKind): void {
  if (who === "cpu") {
    system.cpu.access(kind, frame);
    return;
  }
  const [name = "", level] = who.split(" under ");
  const route = level === undefined ? system.device(name).route : levelRoute(system, machine, level);
  system.analysis.access(route, kind, frame);
}

function levelRoute(system: System, machine: MachineName, level: string) {
  const port = machines[machine].gpu.levels[level as CacheLevel];
  if (port === undefined) throw new TypeError(`${machine} has no level ${level}`);
  const spec: RouteSpec =
    port === "direct"
      ? { route: "direct" }
      : {
          ...{ route: "snoop", domain: "llc" },
          ...(port === "snoop-allocate" ? { writes: "allocate" as const } : {}),
        };
  return system.analysis.topology.route(spec);
}

/** Whether a reader sees what a writer wrote before it, on a machine that has just started. */
function sees(machine: MachineName, writer: string, reader: string, flush = false): boolean {
  const system = i915(machine).boot();
  access(system, machine, writer, "write");
  if (flush) system.cpu.flushRange(frame);
  const before = system.hazards.length;
  access(system, machine, reader, "read");
  return system.hazards.length === before;
}

/** writer, reader, and on which machines the reader sees it. */
const everywhere = ["skylake", "baytrail", "broxton", "meteorlake"] as const;
const table: readonly (readonly [writer: string, reader: string, on: readonly MachineName[]])[] = [
  ["cpu", "gpu", ["skylake"]],
  ["cpu", "gpu under none", ["skylake"]],
  ["cpu", "display", []],
  ["cpu", "usb0", everywhere],
  ["cpu", "nvme0", everywhere],
  ["cpu", "camera", ["skylake", "baytrail"]],
  ["nvme0", "cpu", everywhere],
  ["nvme0", "gpu", everywhere],
  ["nvme0", "display", everywhere],
  ["gpu", "display", ["baytrail", "broxton", "meteorlake"]],
  ["gpu under none", "display", everywhere],
  ["gpu", "cpu", ["skylake"]],
  ["gpu under none", "cpu", ["skylake"]],
  ["camera", "cpu", ["skylake", "baytrail"]],
  ["camera", "gpu under none", everywhere],
  ["camera", "display", everywhere],
];

describe.each(everywhere)("on %s", (machine) => {
  test.each(table.map(([writer, reader, on]) => [writer, reader, on.includes(machine)] as const))(
    "what %s wrote, %s sees: %s",
    (writer, reader, seen) => {
      expect(sees(machine, writer, reader)).toBe(seen);
      expect(sees(machine, writer, reader, true), "after a flush").toBe(true);
    },
  );
});

describe("a level that is asked for", () => {
  test.each(["baytrail", "broxton", "meteorlake"] as const)("snooped, on %s: both ways", (machine) => {
    expect(sees(machine, "cpu", "gpu under snooped")).toBe(true);
    expect(sees(machine, "gpu under snooped", "cpu")).toBe(true);
    expect(sees(machine, "gpu under snooped", "display")).toBe(true);
  });

  test("write-through, on a Skylake with eDRAM: the display sees what was drawn", () => {
    expect(sees("skylake", "gpu under llc", "display")).toBe(false);
    expect(sees("skylake", "gpu under wt", "display")).toBe(true);
    expect(sees("skylake", "gpu under wt", "cpu")).toBe(true);
    expect(sees("skylake", "cpu", "display"), "what the CPU drew still has to be flushed").toBe(false);
  });
});

describe("pipelines without a driver that flushes", () => {
  const draw = (device: string) => ({
    buffers: { frame: { size: "256KiB", count: 2 } },
    stages: [
      { name: "draw", cpu: true as const, writes: "frame" },
      { device, reads: "frame" },
    ],
    exporter: "system",
    frames: 4,
  });

  test.each(everywhere)(
    "on %s the DMA API leaves the display with stale frames, and disks with fresh ones",
    (name) => {
      expect(i915(name).run(draw("display")).verdict).toBe("incoherent");
      const written = i915(name).run(draw("nvme0"));
      expect(written.verdict).toBe("coherent");
      expect(written.maintenance.performed.ops).toBe(0);
    },
  );

  test.each(everywhere)(
    "on %s whoever flushes between devices makes the display right, by flushes alone",
    (name) => {
      const report = i915(name).run({ ...draw("display"), coherency: "device-to-device" });
      expect(report.verdict).toBe("coherent");
      expect(report.maintenance.performed.ops).toBeGreaterThan(0);
      expect(Number.isFinite(report.maintenance.performed.ns)).toBe(true);
      expect(Number.isFinite(report.maintenance.required?.ns ?? 0)).toBe(true);
    },
  );
});
