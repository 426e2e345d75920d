// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import type { DmaBuf, System } from "../../../src/index.ts";
import type { Process } from "../../../src/sim.ts";
import { DmaFence, DmaFenceArray } from "../../../src/sync.ts";
import { acquisition } from "../../platform/acquisition.ts";

const platform = acquisition();
const ring = { driverName: "gpu", timelineName: "ring 0" };

const found = (use: (buffer: DmaBuf, fence: DmaFence, system: System) => Process) =>
  platform
    .inspect(function* (system: System) {
      const buffer = yield* system.exporter("syncing").allocate(4096);
      const { fences } = system.dmaBuf;
      yield* use(buffer, DmaFence.init(fences, ring, fences.contextAlloc(), 1), system);
      buffer.put();
    })
    .findings.filter(({ code }) => code === "fence-never-signals")
    .map(({ message, because }) => [message, because.map(({ text }) => text)]);

function* publish({ resv }: DmaBuf, fence: DmaFence): Process {
  yield* resv.lock();
  resv.reserveFences(1);
  resv.addFence(fence, "write");
  resv.unlock();
}

const text = "fence gpu ring 0 seq 1";

test("published and pending at the end (F-34)", () => {
  const messages = found(function* (buffer, fence) {
    buffer.get();
    yield* publish(buffer, fence);
  });
  expect(messages).toEqual([
    [
      `${text} is still pending, and nothing is left that could signal it (F-34)`,
      [`${text} is published as a write fence`],
    ],
  ]);
});

test("published, and the last reference put before the signal", () => {
  const messages = found(function* (buffer, fence) {
    yield* publish(buffer, fence);
    fence.put();
  });
  expect(messages).toEqual([
    [
      `${text} was published and never signaled: its last reference is gone (F-34)`,
      [`${text} is published as a write fence`, `the last reference to ${text} is put`],
    ],
  ]);
});

test("one that somebody waits for at the end has a waiter in its story", () => {
  const [message] = found(function* (_buffer, fence, { simulation }) {
    simulation.spawn("reader", fence.wait());
    yield 0;
  });
  expect(message).toEqual([expect.stringContaining("still pending"), [`waits for ${text}`]]);
});

test("signaled, with an error or from the driver's query, and never published, are fine", () => {
  const messages = found(function* (buffer, fence, { dmaBuf }) {
    yield* publish(buffer, fence);
    fence.setError("EIO");
    fence.signal();
    fence.put();
    DmaFence.init(dmaBuf.fences, ring, dmaBuf.fences.contextAlloc(), 1).put();
    const polled = DmaFence.init(
      dmaBuf.fences,
      { ...ring, signaled: () => true },
      dmaBuf.fences.contextAlloc(),
      1,
    );
    yield* publish(buffer, polled);
    yield* buffer.resv.wait("read");
    polled.put();
  });
  expect(messages).toEqual([]);
});

test("an array is no promise of its own", () => {
  const messages = found(function* (buffer, fence, { dmaBuf, simulation }) {
    const other = DmaFence.init(dmaBuf.fences, ring, dmaBuf.fences.contextAlloc(), 2);
    using both = DmaFenceArray.create([fence.get(), other.get()]);
    yield* both.wait({ timeout: 5 });
    for (const part of [fence, other]) {
      part.signal();
      part.put();
    }
    void [buffer, simulation];
  });
  expect(messages).toEqual([]);
});

test("signaling twice is misuse, whoever does it (F-3)", () => {
  const { findings } = platform.inspect(function* ({ dmaBuf }: System) {
    using fence = DmaFence.init(dmaBuf.fences, ring, dmaBuf.fences.contextAlloc(), 1);
    fence.signal();
    fence.signal();
    yield 0;
  });
  expect(findings.map(({ code, message }) => `${code}: ${message}`)).toEqual([
    `dma-api-misuse: signals ${text} again: dma_fence_signal answers EINVAL (F-3)`,
  ]);
});
