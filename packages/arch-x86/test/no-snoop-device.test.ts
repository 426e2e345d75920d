// SPDX-License-Identifier: MIT
import { assemble, board, Extents, type MemoryType, type System } from "@dmabuf/core";
import { performedMaintenance } from "@dmabuf/core/coherency";
import { describe, expect, test } from "vitest";
import { flushCost, type X86Options, x86 } from "../src/index.ts";

const buffer = Extents.of([0x10_0000, 0x10_4000]);
const lines = buffer.bytes / 64;

/** A machine with a device of each kind; for Linux all of them are coherent. */
function machine(options: X86Options & { ram?: string; data?: number } = {}): System {
  const { ram = "1GiB", data, ...rest } = options;
  const description = board({
    model: "a PC",
    memory: [{ base: 0, size: ram }],
    devices: {
      display: { class: "display", coherent: true, port: "direct" },
      disk: { class: "nvme", coherent: true, port: "snoop" },
      nic: { class: "net", coherent: true, port: "snoop-allocate" },
    },
  });
  return assemble(description, [x86(rest)]).boot(data === undefined ? {} : { data });
}

/** What a device does with the buffer; answers what went wrong with that, by code. */
function device(system: System, name: string, kind: "read" | "write", extents = buffer): string[] {
  const before = system.hazards.length;
  for (const each of [system.analysis, system.data]) each?.access(system.device(name).route, kind, extents);
  return system.hazards.slice(before).map(({ code }) => code);
}

function cpu(system: System, kind: "read" | "write", memoryType: MemoryType = "write-back"): string[] {
  const before = system.hazards.length;
  system.cpu.access(kind, buffer, { memoryType, route: null, address: 0 as never });
  return system.hazards.slice(before).map(({ code }) => code);
}

describe("A-20: devices that snoop", () => {
  test.each(["disk", "nic"])(
    "%s sees what the CPU wrote, and the CPU what it wrote, without a flush",
    (name) => {
      const system = machine();
      cpu(system, "write");
      expect(device(system, name, "read")).toEqual([]);
      expect(device(system, name, "write")).toEqual([]);
      expect(cpu(system, "read")).toEqual([]);
    },
  );
});

describe("A-23: a device that does not snoop", () => {
  test("reads memory behind what the CPU wrote, until the CPU flushes it", () => {
    const system = machine();
    cpu(system, "write");
    expect(device(system, "display", "read")).toEqual(["stale-read"]);
    system.cpu.flushRange(buffer);
    expect(device(system, "display", "read")).toEqual([]);
  });

  test("leaves stale lines with what it writes, until the CPU flushes them", () => {
    const system = machine();
    cpu(system, "write");
    system.cpu.flushRange(buffer);
    expect(device(system, "display", "write")).toEqual([]);
    expect(cpu(system, "read")).toEqual(["stale-read"]);
    system.cpu.flushRange(buffer);
    expect(cpu(system, "read")).toEqual([]);
  });

  test("may have its data overwritten by lines that were not flushed before it wrote", () => {
    const system = machine();
    cpu(system, "write");
    device(system, "display", "write");
    expect(system.hazards.map(({ code }) => code)).toContain("lost-write");
  });

  test("does not see what a device left in the cache that was allowed to, until the CPU flushes it", () => {
    const system = machine();
    expect(device(system, "nic", "write")).toEqual([]);
    expect(device(system, "display", "read")).toEqual(["stale-read"]);
    system.cpu.flushRange(buffer);
    expect(device(system, "display", "read")).toEqual([]);
  });

  test("sees what a device wrote that only snoops", () => {
    const system = machine();
    cpu(system, "write");
    expect(device(system, "disk", "write")).toEqual([]);
    expect(device(system, "display", "read")).toEqual([]);
  });

  test("sees what the CPU wrote past its cache", () => {
    const system = machine();
    system.cpu.flushRange(buffer);
    cpu(system, "write", "write-combining");
    system.cpu.drain();
    expect(device(system, "display", "read")).toEqual([]);
  });
});

describe("A-22: the flush of a range", () => {
  test("takes lines that it shares with others along, and loses nothing of theirs", () => {
    const system = machine();
    cpu(system, "write");
    const start = system.cpu.busy;
    system.cpu.flushRange(Extents.of([0x10_0030, 0x10_0051]));
    expect(system.cpu.busy - start, "two lines").toBe(2 * flushCost.clflushopt);
    expect(device(system, "display", "read", Extents.of([0x10_0000, 0x10_0080]))).toEqual([]);
    expect(device(system, "display", "read", Extents.of([0x10_0080, 0x10_0090]))).toEqual(["stale-read"]);
  });

  test("is the flush of every line, dirty or not", () => {
    const system = machine({ clflushopt: false });
    const start = system.cpu.busy;
    system.cpu.flushRange(buffer);
    expect(system.cpu.busy - start).toBe(lines * flushCost.clflush);
    expect(performedMaintenance(system.analysis.log, system.cpu.maintenanceCost)).toEqual({
      ops: 1,
      bytes: buffer.bytes,
      cost: lines * flushCost.clflush,
    });
  });
});

describe("A-23: WBINVD on all CPUs", () => {
  test("makes everything right, with real bytes too", () => {
    for (const seed of [undefined, 1, 2, 3]) {
      const system = machine(seed === undefined ? {} : { data: seed });
      cpu(system, "write");
      system.cpu.flushAll();
      expect(device(system, "display", "read")).toEqual([]);
      expect(device(system, "display", "write")).toEqual([]);
      system.cpu.flushAll();
      expect(cpu(system, "read")).toEqual([]);
      expect(system.observed).toEqual([]);
    }
  });

  test.each(["64MiB", "1GiB", "64GiB"])("costs once what the cache costs, with %s of RAM", (ram) => {
    const system = machine({ ram, llcSize: "2MiB" });
    const start = system.cpu.busy;
    system.cpu.flushAll();
    expect(system.cpu.busy - start).toBe(332_680);
    expect(performedMaintenance(system.analysis.log, system.cpu.maintenanceCost)).toEqual({
      ops: 1,
      bytes: 2 * 2 ** 20,
      cost: 332_680,
    });
  });
});

test("an invalidate, and a clean without CLWB, are refused", () => {
  const { cpu: without } = machine();
  const { cpu: withClwb } = machine({ clwb: true });
  const operation = (kind: "clean" | "invalidate") => [{ kind, domain: "llc", extents: buffer }];
  expect(() => without.maintain(operation("invalidate"))).toThrow("x86 cannot invalidate lines of llc");
  expect(() => without.maintain(operation("clean"))).toThrow("x86 cannot clean lines of llc");
  expect(() => withClwb.maintain(operation("invalidate"))).toThrow("x86 cannot invalidate lines of llc");
  withClwb.maintain(operation("clean"));
});
