// SPDX-License-Identifier: MIT
import { PAGE_SIZE } from "../address.ts";
import type { ImportedBuffer } from "../buffer/importer.ts";
import type { AccessKind } from "../coherency/operation.ts";
import type { DmaDirection } from "../dma/direction.ts";
import { dmaSyncSgForCpu, dmaSyncSgForDevice } from "../dma/dma-trace.ts";
import { missedPage } from "../dma/scatterlist/page-walk.ts";
import { KernelError } from "../error.ts";
import { Extents } from "../memory/extents.ts";
import type { Plugin } from "../platform/plugin.ts";
import type { BootOptions } from "../platform/system.ts";
import { MICROSECOND, MILLISECOND } from "../sim/clock.ts";
import type { Process } from "../sim/process.ts";
import { dmaFenceSignaled } from "../sync/dma-fence-trace.ts";
import { directionFor, type FixtureMemory, ImporterFixture } from "./importer-fixture.ts";
import { demand, type SuiteTest } from "./suite-test.ts";

/** What is special about an importer. */
export interface ImporterSuiteOptions {
  /** What its device can do with a buffer; default both. */
  readonly kinds?: readonly AccessKind[];
  /** Whether a transfer may begin anywhere in the buffer; default yes. */
  readonly offsets?: boolean;
  /** Whether it maps both ways, whatever it is attached for, as DRM drivers do (G-4); default no. */
  readonly mapsBothWays?: boolean;
  /** Whether it takes lists whose entries were joined for the device (D18); default yes. */
  readonly joined?: boolean;
}

/** One test, for one kind of access. */
type Play = (fixture: ImporterFixture, kind: AccessKind) => Process;

/**
 * What every importer owes its buffers, as tests for any runner. `make` is called for every system with the name of the
 * device to drive. A transfer gives its caller a reference to the fence.
 */
export function importerSuite(
  make: (device: string) => Plugin,
  {
    kinds = ["read", "write"],
    offsets = true,
    mapsBothWays = false,
    joined = true,
  }: ImporterSuiteOptions = {},
): SuiteTest[] {
  const each = (
    name: string,
    play: Play,
    boot: BootOptions = {},
    only = kinds,
    memory: FixtureMemory = {},
  ): SuiteTest => ({
    name,
    run() {
      for (const kind of only) {
        const fixture = new ImporterFixture(make, boot, memory);
        fixture.system.simulation.complete(`device ${kind}s`, play(fixture, kind));
        fixture.demandClean();
      }
    },
  });
  const reads = kinds.filter((kind) => kind === "read");
  const writes = kinds.filter((kind) => kind === "write");
  return [
    each("attaches its device, and is gone after detach", attaches),
    each("holds a reference while it is attached (B-17)", holdsReference),
    each("maps in its direction with the reservation held (B-34, B-41)", mapsLocked(mapsBothWays)),
    each("gives everything back when the exporter refuses", givesBack),
    each("publishes its fence with the right usage before the device starts (R-29)", publishes),
    each("signals once, when the device is done", signalsOnce),
    each("signals without the reservation, which others hold (F-31)", signalsUnlocked),
    each("reads when writers are done, whoever else reads (R-16)", readsAfterWriters, {}, reads),
    each("writes when readers and writers are done (R-16)", writesAfterAll, {}, writes),
    each("answers EBUSY or EAGAIN at once when it must not wait", nonblock),
    each("moves the bytes that it was asked for, the way its device does", moves(offsets)),
    each("reaches all of entries that are many pages (D25)", movesAll, {}, kinds, { extents: manyPages }),
    each("reaches all of entries that were joined (D18)", movesAll, {}, joined ? kinds : [], {
      extents: manyPages,
      joined: true,
    }),
    each("numbers its fences upwards within their context (F-20)", countsUp),
    each("answers EINVAL for a part that the buffer does not have", refusesBadParts),
    each("refuses what its direction does not allow", refusesOtherKind),
    each("brackets every transfer once for the coherency policy", brackets, {
      coherency: "begin-end-access",
    }),
    each("signals its fence also when it is detached meanwhile (F-34)", signalsAtDetach),
    each("transfers nothing after detach", nothingAfterDetach),
    each("attaches twice, or refuses, and two detaches are enough", attachesTwice),
    each("reads and writes through one attachment, or refuses", bidirectional),
  ];
}

function* attaches(fixture: ImporterFixture, kind: AccessKind): Process {
  const imported = yield* fixture.attach(kind);
  const devices = fixture.buffer.attachments.map(({ device }) => device);
  demand(devices.length === 1 && devices[0] === fixture.device, "attach attaches its device, once");
  yield* imported.detach();
}

function* holdsReference(fixture: ImporterFixture, kind: AccessKind): Process {
  const imported = yield* fixture.attach(kind);
  demand(fixture.buffer.references > 1, "attach takes no reference to the buffer");
  fixture.release();
  yield* fixture.finish(yield* imported.transfer(kind));
  demand(fixture.exporter.released === 0, "the buffer was released while it was attached");
  yield* imported.detach();
}

const mapsLocked =
  (bothWays: boolean): Play =>
  (fixture, kind) =>
    mapsIn(fixture, kind, bothWays ? "bidirectional" : directionFor(kind));

function* mapsIn(fixture: ImporterFixture, kind: AccessKind, expected: DmaDirection): Process {
  const imported = yield* fixture.attach(kind);
  yield* fixture.finish(yield* imported.transfer(kind));
  yield* imported.detach();
  yield MILLISECOND;
  const { maps, unmaps } = fixture.exporter;
  demand(maps.length > 0, "the device was given no mapping");
  demand(
    [...maps, ...unmaps].every(({ locked }) => locked),
    "map or unmap without the reservation",
  );
  const wrong = maps.find(({ direction }) => direction !== expected);
  demand(wrong === undefined, `a device that ${kind}s maps ${wrong?.direction}`);
}

function* givesBack(fixture: ImporterFixture, kind: AccessKind): Process {
  for (const operation of ["attach", "map"] as const) {
    fixture.exporter.refuses = operation;
    const attachAndTransfer = function* (): Process {
      const imported = yield* fixture.attach(kind);
      try {
        yield* fixture.finish(yield* imported.transfer(kind));
      } finally {
        yield* imported.detach();
      }
    };
    const { errno } = yield* fixture.refusal(`the exporter's ${operation} fails`, attachAndTransfer());
    demand(errno === "ENOMEM", `the exporter's ${operation} answers ENOMEM, the importer ${errno}`);
  }
}

function* publishes(fixture: ImporterFixture, kind: AccessKind): Process {
  const imported = yield* fixture.attach(kind);
  const fence = yield* imported.transfer(kind);
  yield* fixture.finish(fence);
  const [access] = fixture.accesses;
  demand(access !== undefined, "the device never touched the buffer");
  demand(access.anyPending, `the device ${kind}s, and no fence says so`);
  demand(
    access.writePending === (kind === "write"),
    `a fence of the wrong usage says that the device ${kind}s`,
  );
  yield* imported.detach();
}

function* signalsOnce(fixture: ImporterFixture, kind: AccessKind): Process {
  const { device, system } = fixture;
  const imported = yield* fixture.attach(kind);
  const start = system.simulation.now;
  const signaled: number[] = [];
  const fence = yield* imported.transfer(kind);
  const { context, seqno } = fence;
  system.simulation.trace.subscribe(dmaFenceSignaled, (event) => {
    if (event.get("context") === context && event.get("seqno") === seqno) signaled.push(event.time);
  });
  demand(!fence.isSignaled, "the fence has signaled before the device could start");
  yield* fixture.finish(fence);
  yield* imported.detach();
  yield MILLISECOND;
  demand(signaled.length === 1, `the fence signaled ${signaled.length} times`);
  const duration = (fixture.extents.bytes / device.bandwidth) * 1e9;
  demand((signaled[0] as number) >= start + duration, "the fence signaled before the device was done");
  demand(
    fixture.accesses.length === 1,
    `one transfer, and the device ${kind}s ${fixture.accesses.length} times`,
  );
}

function* signalsUnlocked(fixture: ImporterFixture, kind: AccessKind): Process {
  const imported = yield* fixture.attach(kind);
  const fence = yield* imported.transfer(kind);
  yield* fixture.buffer.resv.lock();
  const left = yield* fence.wait({ timeout: 100 * MILLISECOND });
  demand(left > 0, "the fence does not signal while somebody holds the reservation");
  fixture.buffer.resv.unlock();
  fence.put();
  yield* imported.detach();
}

function* readsAfterWriters(fixture: ImporterFixture): Process {
  const imported = yield* fixture.attach("read");
  const start = fixture.system.simulation.now;
  yield* fixture.foreignFence("bookkeep", 9 * MILLISECOND);
  yield* fixture.foreignFence("read", 9 * MILLISECOND);
  yield* fixture.finish(yield* imported.transfer("read"));
  demand(last(fixture).time < start + MILLISECOND, "a reader waits for another reader");
  for (const usage of ["write", "kernel"] as const) {
    const written = yield* fixture.foreignFence(usage, MILLISECOND);
    yield* fixture.finish(yield* imported.transfer("read"));
    demand(last(fixture).time >= written, `a reader does not wait for a ${usage} fence`);
  }
  yield* imported.detach();
}

function* writesAfterAll(fixture: ImporterFixture): Process {
  const imported = yield* fixture.attach("write");
  const start = fixture.system.simulation.now;
  yield* fixture.foreignFence("bookkeep", 9 * MILLISECOND);
  yield* fixture.finish(yield* imported.transfer("write"));
  demand(last(fixture).time < start + MILLISECOND, "a writer waits for a bookkeep fence");
  for (const usage of ["read", "write", "kernel"] as const) {
    const done = yield* fixture.foreignFence(usage, MILLISECOND);
    yield* fixture.finish(yield* imported.transfer("write"));
    demand(last(fixture).time >= done, `a writer does not wait for a ${usage} fence`);
  }
  yield* imported.detach();
}

function* nonblock(fixture: ImporterFixture, kind: AccessKind): Process {
  const { simulation } = fixture.system;
  const imported = yield* fixture.attach(kind);
  yield* fixture.foreignFence("write", MILLISECOND);
  const before = simulation.now;
  const { errno } = yield* fixture.refusal("nonblock", imported.transfer(kind, { nonblock: true }));
  demand(errno === "EBUSY" || errno === "EAGAIN", `a transfer that must not wait answers ${errno}`);
  demand(simulation.now < before + MICROSECOND, "a transfer that must not wait took its time");
  yield 2 * MILLISECOND;
  demand(fixture.accesses.length === 0, "a transfer that was refused was done all the same");
  yield* fixture.finish(yield* imported.transfer(kind, { nonblock: true }));
  yield* imported.detach();
}

const moves =
  (offsets: boolean): Play =>
  (fixture, kind) =>
    movesParts(fixture, kind, offsets);

function* movesParts(fixture: ImporterFixture, kind: AccessKind, offsets: boolean): Process {
  const { extents, device, system } = fixture;
  const { bytes } = extents;
  const imported = yield* fixture.attach(kind);
  const parts: readonly (readonly [offset: number, length: number])[] = [
    [0, bytes],
    [0, 1],
    [0, 4097],
    ...(offsets
      ? ([
          [32, 64],
          [4095, 4098],
          [bytes - 1, 1],
        ] as const)
      : []),
  ];
  const { log } = system.analysis;
  const before = log.length;
  for (const [offset, length] of parts) {
    yield* fixture.finish(yield* imported.transfer(kind, { offset, length }));
    const seen = last(fixture);
    const operation = log.operation(seen.step);
    const moved = [...log.extents(seen.step).pairs];
    const asked = [...extents.slice(offset, length).pairs];
    const part = `[${offset}, ${offset + length})`;
    demand(moved.join() === asked.join(), `asked for ${part}, the device touched other bytes`);
    demand(operation.kind === kind, `asked to ${kind}, the device did a ${operation.kind}`);
    demand(operation.route === device.route, "the device's accesses take another way than the board says");
  }
  const accesses = log.length - before;
  demand(accesses === parts.length, `${parts.length} transfers were ${accesses} accesses`);
  yield* imported.detach();
}

/** Entries of two pages, one, and five. */
const manyPages = Extents.of([0x10_0000, 0x10_2000], [0x14_0000, 0x14_1000], [0x12_0000, 0x12_5000]);

function* movesAll(fixture: ImporterFixture, kind: AccessKind): Process {
  const { extents, sg, system } = fixture;
  const imported = yield* fixture.attach(kind);
  yield* fixture.finish(yield* imported.transfer(kind));
  const reached = new Set<number>();
  for (const { step } of fixture.accesses) {
    const { pairs } = system.analysis.log.extents(step);
    for (let i = 0; i < pairs.length; i += 2) {
      for (let at = pairs[i] as number; at < (pairs[i + 1] as number); at += PAGE_SIZE) reached.add(at);
    }
  }
  const missed = missedPage(sg, reached);
  demand(missed === null, `the device left a page out: ${missed?.reason}`);
  const bytes = fixture.accesses.reduce((sum, { step }) => sum + system.analysis.log.extents(step).bytes, 0);
  demand(bytes === extents.bytes, `the device touched ${bytes} bytes of ${extents.bytes}`);
  yield* imported.detach();
}

function* countsUp(fixture: ImporterFixture, kind: AccessKind): Process {
  const imported = yield* fixture.attach(kind);
  const highest = new Map<number, number>();
  for (let i = 0; i < 3; i++) {
    const fence = yield* imported.transfer(kind);
    const { context, seqno } = fence;
    demand(
      seqno > (highest.get(context) ?? -1),
      `fence ${seqno} follows ${highest.get(context)} in one context`,
    );
    highest.set(context, seqno);
    yield* fixture.finish(fence);
  }
  yield* imported.detach();
}

function* refusesBadParts(fixture: ImporterFixture, kind: AccessKind): Process {
  const { bytes } = fixture.extents;
  const imported = yield* fixture.attach(kind);
  const bad = [
    { length: 0 },
    { length: -1 },
    { length: bytes + 1 },
    { length: 2 ** 40 },
    { offset: bytes, length: 1 },
    { offset: -64, length: 64 },
  ];
  for (const part of bad) {
    const { errno } = yield* fixture.refusal(JSON.stringify(part), imported.transfer(kind, part));
    demand(errno === "EINVAL", `${JSON.stringify(part)} answers ${errno}`);
  }
  demand(fixture.accesses.length === 0, "a transfer that was refused was done all the same");
  yield* imported.detach();
}

function* refusesOtherKind(fixture: ImporterFixture, kind: AccessKind): Process {
  const imported = yield* fixture.attach(kind);
  const other = kind === "read" ? "write" : "read";
  yield* fixture.refusal(`a device that is to ${kind} ${other}s`, imported.transfer(other));
  yield* imported.detach();
}

function* brackets(fixture: ImporterFixture, kind: AccessKind): Process {
  const { trace } = fixture.system.simulation;
  const imported = yield* fixture.attach(kind);
  const calls: string[] = [];
  trace.subscribe(dmaSyncSgForDevice, () => calls.push(`begin after ${fixture.accesses.length}`));
  trace.subscribe(dmaSyncSgForCpu, () => calls.push(`end after ${fixture.accesses.length}`));
  for (let i = 0; i < 2; i++) {
    yield* fixture.finish(yield* imported.transfer(kind));
    const expected = `begin after ${i}, end after ${i + 1}`;
    demand(
      calls.join(", ") === expected,
      `the policy was asked: ${calls.join(", ") || "never"}, not ${expected}`,
    );
    calls.length = 0;
  }
  yield* imported.detach();
}

function* signalsAtDetach(fixture: ImporterFixture, kind: AccessKind): Process {
  const imported = yield* fixture.attach(kind);
  const fence = yield* imported.transfer(kind);
  yield* imported.detach();
  const left = yield* fence.wait({ timeout: 100 * MILLISECOND });
  demand(left > 0, "the fence of a detached buffer does not signal");
  fence.put();
}

function* nothingAfterDetach(fixture: ImporterFixture, kind: AccessKind): Process {
  const imported = yield* fixture.attach(kind);
  yield* imported.detach();
  yield MILLISECOND;
  yield* fixture.refusal("a transfer after detach", imported.transfer(kind));
  demand(fixture.accesses.length === 0, "the device used a buffer that was detached");
}

function* attachesTwice(fixture: ImporterFixture, kind: AccessKind): Process {
  const imported = yield* fixture.attach(kind);
  let second: ImportedBuffer | null = null;
  try {
    second = yield* fixture.attach(kind);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
  }
  if (second !== null) yield* fixture.finish(yield* second.transfer(kind));
  yield* fixture.finish(yield* imported.transfer(kind));
  if (second !== null) yield* second.detach();
  yield* fixture.finish(yield* imported.transfer(kind));
  yield* imported.detach();
}

function* bidirectional(fixture: ImporterFixture, kind: AccessKind): Process {
  let imported: ImportedBuffer;
  try {
    imported = yield* fixture.importer.attach(fixture.buffer, "bidirectional");
  } catch (error) {
    const oneLine = error instanceof KernelError && !error.message.includes("\n");
    demand(oneLine, `bidirectional is refused with ${String(error)}`);
    return;
  }
  yield* fixture.finish(yield* imported.transfer(kind));
  yield* imported.detach();
}

/** The newest access; fails the test when there is none. */
function last(fixture: ImporterFixture): ImporterFixture["accesses"][number] {
  const access = fixture.accesses.at(-1);
  demand(access !== undefined, "the device never touched the buffer");
  return access;
}
