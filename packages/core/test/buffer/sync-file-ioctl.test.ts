// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { linux72, mergeSyncFiles, SyncFlag, setSyncFileDeadline, syncFileInfo } from "../../src/index.ts";
import type { Process } from "../../src/sim.ts";
import { DmaFence, type SyncFile, type Usage } from "../../src/sync.ts";
import { BufferBench } from "./buffer-bench.ts";

/** The drivers of a sync file's fences, which are called after their usage. */
const drivers = (bench: BufferBench, fd: number): string[] => {
  using file = bench.system.dmaBuf.fds.getSyncFile(fd) as SyncFile;
  return file.info().fences.map(({ driverName }) => driverName);
};

const all: readonly Usage[] = ["kernel", "write", "read", "bookkeep"];

describe("export (B-73)", () => {
  test.each([
    [SyncFlag.read, ["kernel", "write"]],
    [SyncFlag.write, ["kernel", "write", "read"]],
    [SyncFlag.read | SyncFlag.write, ["kernel", "write", "read"]],
  ])("flags %i take out %j", (flags, expected) => {
    const bench = new BufferBench();
    const main = function* (): Process<number> {
      for (const usage of all) yield* bench.fence(usage);
      return yield* bench.buffer.exportSyncFile(flags);
    };
    expect(drivers(bench, bench.run(main()))).toEqual(expected);
  });

  test("without fences it is a stub; later fences are not in it; one fence is that fence", () => {
    const bench = new BufferBench();
    const main = function* (): Process<string[][]> {
      const idle = yield* bench.buffer.exportSyncFile(SyncFlag.write);
      const fence = yield* bench.fence("write");
      const one = yield* bench.buffer.exportSyncFile(SyncFlag.read);
      yield* bench.fence("write");
      using file = bench.system.dmaBuf.fds.getSyncFile(one) as SyncFile;
      expect(file.fence.equals(fence)).toBe(true);
      return [drivers(bench, idle), drivers(bench, one)];
    };
    expect(bench.run(main())).toEqual([["stub"], ["write"]]);
    expect(bench.complaints).toEqual([]);
  });

  test("names of a stub on 7.2 (F-26)", () => {
    const bench = new BufferBench({ kernel: linux72 });
    const fd = bench.run(bench.buffer.exportSyncFile(SyncFlag.read));
    const { name, fences } = syncFileInfo(bench.system.dmaBuf, fd, { numFences: 1 });
    expect([name, fences[0]?.driverName, fences[0]?.timelineName]).toEqual([
      "detached-driver-signaled-timeli",
      "detached-driver",
      "signaled-timeline",
    ]);
  });

  test.each([0, 4, 5, 7, 0xffff_ffff, -1])("flags %i are EINVAL, and no descriptor is made", (flags) => {
    const bench = new BufferBench();
    expect(() => bench.run(bench.buffer.exportSyncFile(flags))).toThrow(
      `dma_buf_export_sync_file: -EINVAL: flags ${flags} are not read, write or both`,
    );
    expect(bench.system.dmaBuf.fds.size).toBe(0);
  });

  test("a full table is EMFILE, and no fence is kept", () => {
    const bench = new BufferBench();
    const { fds, fences } = bench.system.dmaBuf;
    fds.install(bench.buffer.get());
    while (fds.size < 1021) fds.dup(3);
    const live = fences.live;
    expect(() => bench.run(bench.buffer.exportSyncFile(SyncFlag.read))).toThrow("-EMFILE");
    expect(fences.live).toBe(live);
  });
});

describe("import (B-74)", () => {
  /** Exports what is in one buffer and imports it into another. */
  function* move(bench: BufferBench, flags: number, usages: readonly Usage[]): Process<string[]> {
    for (const usage of usages) yield* bench.fence(usage);
    const fd = yield* bench.buffer.exportSyncFile(SyncFlag.write);
    const other = bench.system.dmaBuf.export({ exporterName: "other", ops: bench.exporter, size: 1 });
    yield* other.importSyncFile(flags, fd);
    yield* other.resv.lock();
    const found: string[] = [];
    other.resv.forEach("bookkeep", (fence, usage) =>
      found.push(`${bench.system.dmaBuf.fences.ops(fence).driverName} as ${usage}`),
    );
    other.resv.unlock();
    return found;
  }

  test("each fence by itself, as a writer's or a reader's", () => {
    const usages = ["kernel", "write", "read"] as const;
    for (const [flags, as] of [
      [SyncFlag.read, "read"],
      [SyncFlag.write, "write"],
      [3, "write"],
    ] as const) {
      const bench = new BufferBench();
      expect(bench.run(move(bench, flags, usages))).toEqual(usages.map((usage) => `${usage} as ${as}`));
      expect(bench.complaints).toEqual([]);
    }
  });

  test("what has signaled leaves nothing", () => {
    const bench = new BufferBench();
    expect(bench.run(move(bench, SyncFlag.write, []))).toEqual([]);
    expect(bench.buffer.resv.isLocked).toBe(false);
  });

  test("a bracket waits for what was imported", () => {
    const bench = new BufferBench();
    const { simulation } = bench.system;
    const other = bench.system.dmaBuf.export({ exporterName: "other", ops: bench.exporter, size: 1 });
    const main = function* (): Process<number> {
      yield* bench.fence("write", 500);
      const fd = yield* bench.buffer.exportSyncFile(SyncFlag.read);
      yield* other.importSyncFile(SyncFlag.write, fd);
      yield* other.sync(SyncFlag.read);
      return simulation.now;
    };
    expect(bench.run(main())).toBe(500);
  });

  test("bad flags, what is no sync file and what is not open are EINVAL", () => {
    const bench = new BufferBench();
    const { fds } = bench.system.dmaBuf;
    const sync = bench.run(bench.buffer.exportSyncFile(1));
    const buffer = fds.install(bench.buffer.get());
    for (const flags of [0, 4, 6, 8, 0x8000_0001])
      expect(() => bench.run(bench.buffer.importSyncFile(flags, sync))).toThrow("-EINVAL: flags");
    for (const fd of [buffer, 77])
      expect(() => bench.run(bench.buffer.importSyncFile(1, fd))).toThrow(
        `-EINVAL: descriptor ${fd} is no sync file`,
      );
    expect(() => fds.get(sync)).toThrow(`dma_buf_get: -EINVAL: descriptor ${sync} is a sync file`);
  });
});

describe("the ioctls of a sync file", () => {
  /** Descriptors of a pending sync file and of the buffer. */
  function setup(): { bench: BufferBench; fence: DmaFence; fd: number; buffer: number } {
    const bench = new BufferBench();
    const main = function* (): Process<[DmaFence, number]> {
      const fence = yield* bench.fence("write");
      return [fence, yield* bench.buffer.exportSyncFile(1)];
    };
    const [fence, fd] = bench.run(main());
    return { bench, fence, fd, buffer: bench.system.dmaBuf.fds.install(bench.buffer.get()) };
  }

  test("merge: EINVAL, ENOENT and EBADF, and a descriptor only when all is well (S-3)", () => {
    const { bench, fd, buffer } = setup();
    const { dmaBuf } = bench.system;
    const before = dmaBuf.fds.size;
    const merge = (arg: { fd2?: number; flags?: number; pad?: number; fd?: number }): number =>
      mergeSyncFiles(dmaBuf, arg.fd ?? fd, { name: "m", fd2: fd, ...arg });
    expect(() => merge({ flags: 1 })).toThrow("sync_file_ioctl_merge: -EINVAL: flags 1 are not 0");
    expect(() => merge({ pad: 1 })).toThrow("-EINVAL: padding 1 is not 0");
    expect(() => merge({ fd2: -1 })).toThrow("-ENOENT: descriptor -1 is no sync file");
    expect(() => merge({ fd2: buffer })).toThrow("-ENOENT");
    expect(() => merge({ fd: buffer })).toThrow("-EBADF");
    expect(dmaBuf.fds.size).toBe(before);
    expect(dmaBuf.fds.getSyncFile(merge({}))?.name).toBe("m");
  });

  test("info: with no room the count and the whole's status, with too little EINVAL (S-5)", () => {
    const { bench, fence, fd } = setup();
    const { dmaBuf } = bench.system;
    const name = `write-test${fence.context}-1`;
    expect(syncFileInfo(dmaBuf, fd)).toEqual({ name, status: "active", fences: [], numFences: 1 });
    bench.run(bench.fence("kernel"));
    const two = bench.run(bench.buffer.exportSyncFile(1));
    expect(() => syncFileInfo(dmaBuf, two, { numFences: 1 })).toThrow("-EINVAL: room for 1 of 2 fences");
    expect(syncFileInfo(dmaBuf, two, { numFences: 4 }).fences).toHaveLength(2);
    expect(() => syncFileInfo(dmaBuf, fd, { flags: 1 })).toThrow("-EINVAL");
    expect(() => syncFileInfo(dmaBuf, fd, { pad: 1 })).toThrow("-EINVAL");
    fence.signal();
    expect(syncFileInfo(dmaBuf, fd).status).toBe("signaled");
  });

  test("deadline: padding is EINVAL (S-8)", () => {
    const { bench, fd } = setup();
    setSyncFileDeadline(bench.system.dmaBuf, fd, 100);
    expect(() => setSyncFileDeadline(bench.system.dmaBuf, fd, 100, 1)).toThrow("-EINVAL");
    expect(() => setSyncFileDeadline(bench.system.dmaBuf, 99, 100)).toThrow("-EBADF");
  });

  test("descriptors of sync files are duplicated and closed like others (S-2, S-10)", () => {
    const { bench, fd } = setup();
    const { fds } = bench.system.dmaBuf;
    const copy = fds.dup(fd);
    fds.close(fd);
    using file = fds.getSyncFile(copy) as SyncFile;
    expect([file.references, fds.getSyncFile(fd)]).toEqual([2, null]);
    fds.close(copy);
    expect(file.references).toBe(1);
  });
});

describe("the sync ioctl (B-71)", () => {
  test.each([
    [1, "begin from-device"],
    [2, "begin to-device"],
    [3, "begin bidirectional"],
    [5, "end from-device"],
    [6, "end to-device"],
    [7, "end bidirectional"],
  ])("flags %i: %s", (flags, call) => {
    const bench = new BufferBench();
    bench.run(bench.buffer.sync(flags));
    expect(bench.exporter.calls).toEqual([call]);
  });

  test.each([0, 4, 8, 9, 0x1_0000_0001, -1])(
    "flags %i are EINVAL, and the exporter is not called",
    (flags) => {
      const bench = new BufferBench();
      expect(() => bench.run(bench.buffer.sync(flags))).toThrow("dma_buf_ioctl: -EINVAL");
      expect(bench.exporter.calls).toEqual([]);
    },
  );
});

test("a fence of a reservation goes round through files without being lost", () => {
  const bench = new BufferBench();
  const { fds, fences } = bench.system.dmaBuf;
  const main = function* (): Process {
    const made = DmaFence.init(fences, { driverName: "d", timelineName: "t" }, fences.contextAlloc(), 1);
    yield* bench.locked(function* () {
      bench.buffer.resv.reserveFences(1);
      bench.buffer.resv.addFence(made, "write");
    });
    const fd = yield* bench.buffer.exportSyncFile(SyncFlag.write);
    yield* bench.buffer.importSyncFile(SyncFlag.read, fd);
    fds.close(fd);
    expect(fences.references(made.id), "ours and one slot's; or two, as a read after a write").toBe(3);
    made.signal();
    made.put();
  };
  bench.run(main());
  bench.buffer.put();
  expect([fences.live, bench.complaints]).toEqual([0, []]);
});
