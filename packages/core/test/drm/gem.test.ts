// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { CountedGem, contiguousSize, ImportedGem } from "../../src/drm.ts";
import { type DmaBuf, Extents, type Process, type SgMapping } from "../../src/index.ts";
import { bootToy, errnoOf, foreign, ToyCard } from "./toy-card.ts";

const scene = () => {
  const system = bootToy();
  const card = new ToyCard(system, "direct");
  const run = <T>(process: () => Process<T>): T => system.simulation.complete("test", process());
  const warnings = () => system.simulation.diagnostics.entries.map(({ rule }) => rule);
  return { system, card, file: card.drm.open(), run, warnings };
};

describe("generic import (G-4)", () => {
  test("attaches, maps both ways, shares the reservation, and keeps both until the object is freed", () => {
    const { system, file, run } = scene();
    run(function* () {
      using buffer = foreign(system);
      const handle = yield* file.bufferToHandle(buffer);
      const object = file.lookup(handle) as ImportedGem;
      expect(object).toBeInstanceOf(ImportedGem);
      expect(object.resv).toBe(buffer.resv);
      expect(object.size).toBe(buffer.size);
      expect(object.mapping.direction).toBe("bidirectional");
      expect(buffer.attachments).toEqual([object.imported]);
      object.get();
      yield* file.closeHandle(handle);
      expect(object.dmaBuf).toBeNull();
      expect(system.dma.live.size).toBe(1);
      yield* object.put();
      expect(system.dma.live.size).toBe(0);
      expect(buffer.attachments).toEqual([]);
      expect(buffer.references).toBe(1);
    });
  });

  test("exported again, it is the buffer that it came from, also when nobody looked it up by a descriptor", () => {
    const { system, card, file, run } = scene();
    run(function* () {
      using buffer = foreign(system);
      const object = yield* card.importBuffer(buffer);
      expect(object.dmaBuf).toBeNull();
      const handle = yield* file.createHandle(object);
      yield* object.put();
      using again = yield* file.handleToBuffer(handle);
      expect(again).toBe(buffer);
      yield* file.close();
    });
    expect(system.dmaBuf.buffers).toEqual([]);
  });

  test("unwinds when attach, map or the driver fails", () => {
    for (const [device, imports, errno] of [
      ["direct", "ENOMEM", "ENOMEM"],
      ["far", true, "EIO"],
    ] as const) {
      const { system, run } = scene();
      run(function* () {
        using buffer = foreign(system);
        const file = new ToyCard(system, device, { imports }).drm.open();
        expect(yield* errnoOf(file.bufferToHandle(buffer))).toBe(errno);
        expect([buffer.attachments.length, buffer.references, system.dma.live.size]).toEqual([0, 1, 0]);
        expect(file.handles).toEqual([]);
      });
    }
  });
});

describe("generic export (G-5)", () => {
  test("pins while somebody is attached, maps without maintenance, and lets core keep the mapping", () => {
    const { system, card, file, run } = scene();
    const object = card.create();
    run(function* () {
      const handle = yield* file.createHandle(object);
      using buffer = yield* file.handleToBuffer(handle);
      expect(buffer.exporterName).toBe("direct");
      expect(buffer.size).toBe(object.size);
      expect(buffer.ops.cacheSgtMapping).toBe(true);
      expect(buffer.ops.beginCpuAccess).toBeUndefined();
      expect(buffer.ops.mmap).toBeUndefined();
      const attachment = yield* buffer.attach(system.device("display"));
      expect(object.calls).toEqual(["pin"]);
      const first = yield* attachment.mapUnlocked("bidirectional");
      expect(first.skipCpuSync).toBe(true);
      yield* attachment.unmapUnlocked(first);
      expect(yield* attachment.mapUnlocked("to-device")).toBe(first);
      yield* attachment.unmapUnlocked(first);
      yield* attachment.detach();
      expect(object.calls).toEqual(["pin", "unpin"]);
      yield* file.close();
      yield* object.put();
      expect(object.references).toBe(1);
    });
    expect(object.calls).toEqual(["pin", "unpin", "free"]);
  });
});

describe("handles (G-8)", () => {
  test("are the lowest free numbers from 1, and hold one reference together", () => {
    const { card, file, run } = scene();
    const object = card.create();
    run(function* () {
      expect(yield* file.createHandle(object)).toBe(1);
      expect(yield* file.createHandle(object)).toBe(2);
      expect([object.references, object.handleCount]).toEqual([2, 2]);
      yield* file.closeHandle(1);
      expect([object.references, object.handleCount]).toEqual([2, 1]);
      expect(yield* file.createHandle(object)).toBe(1);
      yield* file.close();
      expect([object.references, object.handleCount]).toEqual([1, 0]);
    });
  });

  test("two handles of one object in one file are one dma-buf, found again by the older one", () => {
    const { system, card, file, run } = scene();
    run(function* () {
      const object = card.create();
      const [one, two] = [yield* file.createHandle(object), yield* file.createHandle(object)];
      yield* object.put();
      const [first, second] = [yield* file.handleToFd(two), yield* file.handleToFd(one)];
      expect(system.dmaBuf.buffers).toHaveLength(1);
      expect(yield* file.fdToHandle(first)).toBe(two);
      yield* file.closeHandle(two);
      expect(yield* file.fdToHandle(second)).toBe(one);
      yield* file.close();
      system.dmaBuf.fds.close(first);
      system.dmaBuf.fds.close(second);
    });
    expect(system.dmaBuf.buffers).toEqual([]);
  });

  test("an object without handles is not exported: ENOENT (G-2)", () => {
    const { card } = scene();
    expect(() => card.drm.bufferOf(card.create())).toThrow(/-ENOENT: .* being closed/);
  });
});

describe("the kernel would complain", () => {
  test("of an import whose object is another buffer (G-3)", () => {
    const { system, card, file, run, warnings } = scene();
    run(function* () {
      const object = card.create();
      const handle = yield* file.createHandle(object);
      using first = yield* file.handleToBuffer(handle);
      using second = foreign(system);
      Object.assign(card, {
        *importBuffer(_buffer: DmaBuf) {
          return object.get();
        },
      });
      yield* card.drm.open().bufferToHandle(second);
      expect(object.dmaBuf).toBe(first);
    });
    expect(warnings()).toEqual(["G-3"]);
  });

  test("of a handle that nobody counted, and of a reference that is gone (G-8)", () => {
    const { card, run, warnings } = scene();
    const object = card.create();
    run(() => card.drm.unnamed(object));
    expect(warnings()).toEqual(["G-8"]);
    run(() => object.put());
    expect(() => run(() => object.put())).toThrow(/the last reference is gone/);
  });
});

test("imports of one buffer by two tasks of one file are one handle", () => {
  const { system, file } = scene();
  const buffer = foreign(system);
  const tasks = [1, 2].map((i) => system.simulation.spawn(`task ${i}`, file.bufferToHandle(buffer)));
  system.simulation.run();
  expect(tasks.map((task) => task.result)).toEqual([1, 1]);
  expect(buffer.attachments).toHaveLength(1);
});

test("contiguousSize ends at a gap, at an empty entry, and at neighbours in the wrong order (G-6)", () => {
  const sum = (...entries: readonly (readonly [address: number, length: number])[]): number =>
    contiguousSize({
      dmaAddresses: Float64Array.from(entries, ([address]) => address),
      dmaLengths: Float64Array.from(entries, ([, length]) => length),
      nents: entries.length,
      extents: Extents.of([0, 1]),
    } as unknown as SgMapping);
  expect(sum([0x1000, 0x1000])).toBe(0x1000);
  expect(sum([0x1000, 0x1000], [0x2000, 0x3000], [0x5000, 0x1000])).toBe(0x5000);
  expect(sum([0x1000, 0x1000], [0x3000, 0x1000])).toBe(0x1000);
  expect(sum([0x1000, 0x1000], [0x2000, 0], [0x2000, 0x1000])).toBe(0x1000);
  expect(sum([0x2000, 0x1000], [0x1000, 0x1000])).toBe(0x1000);
  expect(sum([0x1000, 0])).toBe(0);
  expect(sum()).toBe(0);
});

test("a GEM object of a driver's own is freed with its last reference", () => {
  const { system, run } = scene();
  const freed: string[] = [];
  class Stolen extends CountedGem {
    readonly imported = null;
    protected *free(): Process {
      freed.push("stolen");
    }
  }
  const object = new Stolen(system.simulation, 4096).get();
  run(() => object.put());
  expect(freed).toEqual([]);
  run(() => object.put());
  expect(freed).toEqual(["stolen"]);
});
