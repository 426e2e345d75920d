// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { DrmFlag } from "../../src/drm.ts";
import { type Process, SyncFlag, type System } from "../../src/index.ts";
import { bootToy, errnoOf, foreign, ToyCard, type ToyCardOptions } from "./toy-card.ts";

/** What a call answers on a fresh system. `handle` is an object of the card's own, `fd` a foreign buffer. */
type Call = (scene: {
  readonly system: System;
  readonly card: ToyCard;
  readonly file: ReturnType<ToyCard["drm"]["open"]>;
  readonly handle: number;
  readonly fd: number;
}) => Process<unknown>;

const table: readonly (readonly [what: string, errno: string, Call, ToyCardOptions?])[] = [
  ["no flags", "0", ({ file, handle }) => file.handleToFd(handle)],
  ["CLOEXEC", "0", ({ file, handle }) => file.handleToFd(handle, DrmFlag.cloexec)],
  ["RDWR", "0", ({ file, handle }) => file.handleToFd(handle, 2)],
  ["both", "0", ({ file, handle }) => file.handleToFd(handle, 0x80002)],
  ["flag 1", "EINVAL", ({ file, handle }) => file.handleToFd(handle, 1)],
  ["flag 4", "EINVAL", ({ file, handle }) => file.handleToFd(handle, 4)],
  ["a high flag", "EINVAL", ({ file, handle }) => file.handleToFd(handle, 2 ** 31)],
  ["bad flags go before a bad handle", "EINVAL", ({ file }) => file.handleToFd(999, 1)],
  ["export of handle 0", "ENOENT", ({ file }) => file.handleToFd(0)],
  ["export of an unknown handle", "ENOENT", ({ file }) => file.handleToFd(999)],
  ["export by a driver without", "ENOSYS", ({ file, handle }) => file.handleToFd(handle), { exports: false }],
  ["import of descriptor -1", "EBADF", ({ file }) => file.fdToHandle(-1)],
  ["import of a closed descriptor", "EBADF", ({ file, fd }) => file.fdToHandle(fd + 1)],
  [
    "import of a sync file",
    "EINVAL",
    function* ({ system, file }) {
      using buffer = foreign(system);
      const fd = yield* buffer.exportSyncFile(SyncFlag.read);
      try {
        yield* file.fdToHandle(fd);
      } finally {
        system.dmaBuf.fds.close(fd);
      }
    },
  ],
  ["import", "0", ({ file, fd }) => file.fdToHandle(fd)],
  ["import without a way", "EINVAL", ({ file, fd }) => file.fdToHandle(fd), { imports: false }],
  ["import that the driver refuses", "ENODEV", ({ file, fd }) => file.fdToHandle(fd), { imports: "ENODEV" }],
  [
    "import by a driver without",
    "EINVAL",
    ({ card, file, fd }) => {
      Object.assign(card, { importBuffer: undefined });
      return file.fdToHandle(fd);
    },
  ],
  [
    "import of memory that cannot be shown",
    "ENOSYS",
    function* ({ system, file, handle }) {
      const fd = yield* file.handleToFd(handle);
      try {
        yield* new ToyCard(system, "display").drm.open().fdToHandle(fd);
      } finally {
        system.dmaBuf.fds.close(fd);
      }
    },
    { shows: false },
  ],
  ["close of an unknown handle", "EINVAL", ({ file }) => file.closeHandle(999)],
  [
    "close twice",
    "EINVAL",
    function* ({ file, handle }) {
      yield* file.closeHandle(handle);
      yield* file.closeHandle(handle);
    },
  ],
  [
    "a closed file",
    "EBADF",
    function* ({ file, handle }) {
      yield* file.close();
      yield* file.handleToFd(handle);
    },
  ],
];

for (const [what, errno, call, options] of table) {
  test(`${what}: ${errno}`, () => {
    const system = bootToy();
    const { dmaBuf, dma, simulation } = system;
    const card = new ToyCard(system, "direct", options);
    const file = card.drm.open();
    const object = card.create();
    const answer = simulation.complete(
      "errno",
      (function* () {
        const handle = yield* file.createHandle(object);
        yield* object.put();
        const fd = dmaBuf.fds.install(foreign(system));
        const before = dmaBuf.fds.size;
        const errno = yield* errnoOf(call({ system, card, file, handle, fd }));
        if (errno !== "0") expect(dmaBuf.fds.size).toBe(before);
        expect(dma.live.size).toBe(file.handles.length > 1 ? 1 : 0);
        yield* file.close();
        for (let open = fd; dmaBuf.fds.size > 0; open++) dmaBuf.fds.close(open);
        return errno;
      })(),
    );
    expect(answer).toBe(errno);
    expect(dmaBuf.buffers).toEqual([]);
    expect(dma.live.size).toBe(0);
    expect(object.calls.filter((call) => call === "free")).toEqual(["free"]);
    expect(simulation.diagnostics.entries).toEqual([]);
  });
}

test("without a free descriptor an export is EMFILE, and exports nothing", () => {
  const system = bootToy();
  const card = new ToyCard(system, "direct");
  const file = card.drm.open();
  const { fds } = system.dmaBuf;
  system.simulation.complete(
    "full",
    (function* () {
      const handle = yield* file.createHandle(card.create());
      const first = fds.install(foreign(system));
      while (fds.size < 1021) fds.dup(first);
      expect(yield* errnoOf(file.handleToFd(handle))).toBe("EMFILE");
      expect(file.lookup(handle).dmaBuf).toBeNull();
    })(),
  );
});
