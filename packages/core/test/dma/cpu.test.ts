// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import {
  type Arch,
  assemble,
  board,
  type CacheMaintenance,
  definePlugin,
  Extents,
  type System,
} from "../../src/index.ts";
import type { Process } from "../../src/sim.ts";
import { notingSystem } from "./noting-arch.ts";

const page = Extents.of([0x1000, 0x2000]);
const clean: CacheMaintenance = { kind: "clean", domain: "cpu", extents: page };

const run = (system: System, process: Process): void => system.simulation.complete("task", process);

test("a task is charged for its accesses and its maintenance, and goes on that much later", () => {
  const { system } = notingSystem();
  const { cpu, simulation } = system;
  run(
    system,
    (function* () {
      cpu.access("write", page);
      expect(simulation.now, "a plain function takes no time").toBe(0);
      yield* cpu.settle();
      expect(simulation.now, "4096 bytes at 1 GB/s").toBe(4096);
      cpu.maintain([clean, { ...clean, kind: "invalidate" }]);
      yield* cpu.settle();
      expect(simulation.now, "64 lines at 10 and at 7 ns").toBe(4096 + 640 + 448);
    })(),
  );
  expect(cpu.busy).toBe(4096 + 640 + 448);
  expect(cpu.takeOwed()).toBe(0);
});

test("maintenance costs by the lines that it touches", () => {
  const { system } = notingSystem();
  const { cpu } = system;
  const costs = [
    [[0x1000, 0x1001]],
    [[0x103f, 0x1041]],
    [
      [0x1000, 0x1040],
      [0x2000, 0x2040],
    ],
  ].map((ranges) => {
    const before = cpu.busy;
    cpu.maintain([{ ...clean, extents: Extents.of(...(ranges as [number, number][])) }]);
    return cpu.busy - before;
  });
  expect(costs).toEqual([10, 20, 20]);
});

test("an operation that the architecture does not have is refused", () => {
  const { system } = notingSystem();
  const forbidding: Arch = {
    ...system.arch,
    name: "noting",
    lineCost: (kind) => (kind === "invalidate" ? Number.POSITIVE_INFINITY : 1),
  };
  const description = board({
    model: "noting",
    memory: [{ base: 0, size: "16MiB" }],
    devices: { plain: { class: "dma", coherent: false } },
  });
  const plugin = definePlugin({ name: "noting-arch", provides: { arch: () => forbidding } });
  const { cpu } = assemble(description, [plugin]).boot();
  cpu.maintain([clean]);
  expect(() => cpu.maintain([{ ...clean, kind: "invalidate" }])).toThrow(
    "noting cannot invalidate lines of cpu",
  );
});

test("atomic context, which cannot sleep, owes instead, once", () => {
  const { system } = notingSystem();
  const { cpu, simulation } = system;
  const owed: number[] = [];
  simulation
    .timer(() => {
      cpu.maintain([clean]);
      cpu.maintain([clean]);
      owed.push(cpu.takeOwed(), cpu.takeOwed());
    })
    .arm(5);
  simulation.run();
  expect(owed).toEqual([1280, 0]);
  expect([simulation.now, cpu.busy]).toEqual([5, 1280]);
});

test("accesses and maintenance reach the machine in order, with the event behind each", () => {
  const { system } = notingSystem();
  const { cpu, analysis, simulation } = system;
  cpu.access("clear", page);
  cpu.maintain([clean], 77);
  cpu.access("read", page);
  const steps = [0, 1, 2].map((step) => analysis.log.operation(step).kind);
  expect(steps, "clearing is a write").toEqual(["write", "clean", "read"]);
  const events = [...simulation.trace.events()];
  expect(events.map(String)).toEqual([
    "cpu_access: kind=clear address=0x1000 bytes=4096 type=WB",
    "cache_maintenance: kind=clean domain=cpu address=0x1000 bytes=4096",
    "cpu_access: kind=read address=0x1000 bytes=4096 type=WB",
  ]);
  expect([0, 1, 2].map((step) => analysis.log.cause(step))).toEqual(events.map(({ seq }) => seq));
  expect(events[1]?.cause).toBe(77);
});

test("a domain that the architecture does not have is a programming error", () => {
  const { system } = notingSystem();
  expect(() => system.cpu.maintain([{ ...clean, domain: "gpu" }])).toThrow(TypeError);
});
