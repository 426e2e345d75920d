// SPDX-License-Identifier: MIT
import type { DmaBuf, System } from "../../src/index.ts";
import { type Process, WaitQueue } from "../../src/sim.ts";
import { usageRw } from "../../src/sync.ts";
import type { Fault } from "./fault.ts";
import { type JobPart, ReferenceDriver } from "./reference-driver.ts";

const FRAMES = 3;

/**
 * A program and two drivers that do everything right, frame by frame: the CPU fills a table; a device that does not snoop
 * reads it and writes a picture and statistics; the CPU looks at the statistics, and a device that snoops shows the
 * picture. Each step begins when the one before is handed on; fences do the rest. `fault` makes one thing wrong.
 */
export function* referenceProgram(system: System, fault: Fault | null): Process {
  const { simulation } = system;
  const { allocate } = system.exporter("syncing");
  const table = yield* allocate(4096);
  const picture = yield* allocate(8192);
  const statistics = yield* allocate(4096);
  const camera = new ReferenceDriver(system, "direct", fault);
  const display = new ReferenceDriver(system, "snoop", null);
  yield* camera.attach(picture, "from-device");
  yield* camera.attach(table, "to-device");
  yield* camera.attach(statistics, "from-device");
  yield* display.attach(picture, "to-device");

  const handed = [0, 0, 0, 0];
  const progress = new WaitQueue(simulation, "the step before");
  const step = function* (position: number, does: (handOn: () => void) => Process): Process {
    for (let frame = 0; frame < FRAMES; frame++) {
      const before = (position + 3) % 4;
      const due = position === 0 ? frame : frame + 1;
      yield* progress.waitUntil(() => (handed[before] as number) >= due);
      yield* does(() => {
        handed[position] = frame + 1;
        progress.wakeAll();
      });
    }
  };
  const job: readonly JobPart[] = [
    { buffer: picture, kind: "write" },
    { buffer: statistics, kind: "write" },
    { buffer: table, kind: "read" },
  ];
  const steps = [
    simulation.spawn(
      "fill",
      step(0, (handOn) => fill(table, fault, handOn)),
    ),
    simulation.spawn(
      "capture",
      step(1, (handOn) => camera.submit(job, handOn)),
    ),
    simulation.spawn(
      "look",
      step(2, (handOn) => look(statistics, fault, handOn)),
    ),
    simulation.spawn(
      "show",
      step(3, (handOn) => display.submit([{ buffer: picture, kind: "read" }], handOn)),
    ),
  ];
  for (const task of steps) yield* task.join();
  const buffers = [table, picture, statistics];
  for (const { resv } of buffers) yield* resv.wait("bookkeep");
  yield 100_000;
  yield* camera.shrink();
  yield* camera.invalidate();
  if (fault === "put too often") picture.put();
  // From here on the drivers' references keep the buffers.
  for (const buffer of buffers) if (fault !== "no put" || buffer !== picture) buffer.put();
  yield* camera.detach();
  yield* display.detach();
}

/** The CPU writes the table. */
function* fill(table: DmaBuf, fault: Fault | null, handOn: () => void): Process {
  const mapping = table.mmap();
  const bracket = fault !== "fill without bracket";
  yield* table.resv.wait(usageRw(true));
  if (bracket) yield* table.beginCpuAccess("to-device");
  yield* mapping.write();
  if (bracket) yield* table.endCpuAccess("to-device");
  mapping.unmap();
  handOn();
}

/** The CPU reads the statistics. */
function* look(statistics: DmaBuf, fault: Fault | null, handOn: () => void): Process {
  const { resv } = statistics;
  if (fault === "mmap with lock") yield* resv.lock();
  const mapping = statistics.mmap();
  if (fault === "mmap with lock") resv.unlock();
  const bare = fault === "no bracket" || fault === "no poll, no bracket";
  if (fault !== "no poll" && fault !== "no poll, no bracket") yield* resv.wait(usageRw(false));
  if (fault === "begin with lock") yield* resv.lock();
  if (!bare && fault !== "no begin")
    yield* statistics.beginCpuAccess(fault === "begin to-device" ? "to-device" : "from-device");
  if (fault === "begin with lock") resv.unlock();
  yield* mapping.read();
  if (fault === "end with lock") yield* resv.lock();
  if (!bare && fault !== "no end") yield* statistics.endCpuAccess("from-device");
  if (fault === "end twice") yield* statistics.endCpuAccess("from-device");
  if (fault === "end with lock") resv.unlock();
  if (fault !== "no munmap") mapping.unmap();
  handOn();
}
