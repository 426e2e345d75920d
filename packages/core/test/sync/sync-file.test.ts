// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { type DmaFence, DmaFenceArray, SyncFile } from "../../src/sync.ts";
import { FenceBench } from "./fence-bench.ts";

test("a file holds its fence, and gives it back with its last reference (S-1, S-10)", () => {
  const bench = new FenceBench();
  const fence = bench.fence();
  const file = SyncFile.create(fence);
  fence.put();
  expect([bench.pool.live, file.references, file.get().references]).toEqual([1, 1, 2]);
  file.put();
  expect(file.fence.status).toBe("active");
  {
    using last = file;
    expect(last.references).toBe(1);
  }
  expect([bench.pool.live, bench.complaints]).toEqual([0, []]);
  expect(() => file.put()).toThrow("the last reference is gone already (S-10)");
});

test("a name is made of driver, timeline, context and number, or is the merger's, cut after 31 bytes (S-3, S-7)", () => {
  const bench = new FenceBench();
  const file = SyncFile.create(bench.fence(12, 34));
  expect(file.name).toBe("mock-mock12-34");
  const long = bench.fence(1, 2, { driverName: "a-driver-with-a-long-name", timelineName: "timeline" });
  expect(SyncFile.create(long).name).toBe("a-driver-with-a-long-name-timel");
  expect(SyncFile.merge("n".repeat(40), file, file).name).toBe("n".repeat(31));
});

describe("merging (S-3, F-48)", () => {
  test("with itself it is the same fence", () => {
    const file = SyncFile.create(new FenceBench().fence());
    expect(SyncFile.merge("twice", file, file).fence.equals(file.fence)).toBe(true);
  });

  test("what has signaled is dropped, and of one timeline the later fence is kept", () => {
    const bench = new FenceBench();
    const [early, late, other] = [bench.fence(1, 1), bench.fence(1, 2), bench.fence(2, 1)];
    const merged = SyncFile.merge("m", SyncFile.create(late), SyncFile.create(early));
    expect(merged.fence.equals(late)).toBe(true);
    const both = SyncFile.merge("b", merged, SyncFile.create(other));
    expect([both.fence.driverName, both.info().fences.length]).toEqual(["dma_fence_array", 2]);
    other.signal();
    expect(SyncFile.merge("after", both, both).info().fences.length).toBe(1);
    late.signal();
    expect(SyncFile.merge("done", both, merged).info().fences[0]?.driverName).toBe("stub");
  });
});

describe("what it says about itself (S-5, S-6)", () => {
  test("of each fence the names, the status, and the time once it has signaled", () => {
    const bench = new FenceBench();
    const [first, second] = bench.fences(2) as [DmaFence, DmaFence];
    const file = SyncFile.merge("two", SyncFile.create(first), SyncFile.create(second));
    first.signalTimestamp(7);
    expect(file.info()).toEqual({
      name: "two",
      status: "active",
      fences: [
        { timelineName: "mock", driverName: "mock", status: "signaled", timestamp: 7 },
        { timelineName: "mock", driverName: "mock", status: "active", timestamp: 0 },
      ],
    });
    second.setError("EIO");
    second.signalTimestamp(9);
    expect([file.info().status, file.info().fences[1]]).toEqual([
      "EIO",
      { timelineName: "mock", driverName: "mock", status: "EIO", timestamp: 9 },
    ]);
  });

  test("the first that is not simply done says what the whole is", () => {
    const bench = new FenceBench();
    const fences = bench.fences(3);
    const file = SyncFile.create(DmaFenceArray.create(fences));
    fences[0]?.signal();
    fences[1]?.setError("ENOENT");
    fences[1]?.signal();
    expect([file.info().status, fences[2]?.status]).toEqual(["ENOENT", "active"]);
  });
});

describe("polling (S-4)", () => {
  test("it is readable when the fence has signaled, with an error too; the first poll switches signaling on", () => {
    const bench = new FenceBench();
    let enabled = 0;
    const fence = bench.fence(undefined, 1, { enableSignaling: () => ++enabled > 0 });
    const file = SyncFile.create(fence);
    expect([file.pollEvents(), file.pollEvents(), enabled]).toEqual([[], [], 1]);
    fence.setError("EIO");
    fence.signal();
    expect(file.pollEvents()).toEqual(["in"]);
  });

  test("pollers are woken, or their time is over, or a signal comes", () => {
    const bench = new FenceBench();
    const { simulation } = bench;
    const fence = bench.fence();
    const file = SyncFile.create(fence);
    simulation.timer(() => fence.signal()).arm(50);
    const patient = [1, 2].map((i) => simulation.spawn(`patient ${i}`, file.poll(["in"])));
    const hasty = simulation.spawn("hasty", file.poll(["in", "out"], { timeout: 20 }));
    const asking = simulation.spawn("asking", file.poll(["in"], { timeout: 0 }));
    const disturbed = simulation.spawn(
      "disturbed",
      (function* () {
        try {
          return yield* file.poll(["in"]);
        } catch (error) {
          return [(error as Error).message];
        }
      })(),
    );
    simulation.timer(() => disturbed.interrupt()).arm(10);
    expect(simulation.run().blocked).toEqual([]);
    expect([...patient, hasty, asking].map(({ result }) => result)).toEqual([["in"], ["in"], [], []]);
    expect(disturbed.result[0]).toMatch(
      /-EINTR: interrupted while waiting for poll of a sync file of mock mock/,
    );
  });

  test("a file that goes takes its callback along (S-10)", () => {
    const bench = new FenceBench();
    const fence = bench.fence();
    const file = SyncFile.create(fence);
    file.pollEvents();
    file.put();
    fence.put();
    expect([bench.pool.live, bench.complaints]).toEqual([0, []]);
  });

  test("of what is done already nothing is hooked", () => {
    const bench = new FenceBench();
    const fence = bench.fence();
    fence.signal();
    const file = SyncFile.create(fence);
    expect(bench.simulation.complete("poll", file.poll(["in"], { timeout: 0 }))).toEqual(["in"]);
    expect(bench.simulation.complete("poll", file.poll(["out"], { timeout: 5 })), "never writable").toEqual(
      [],
    );
    file.put();
    expect(bench.complaints).toEqual([]);
  });
});

test("a deadline is passed on (S-8)", () => {
  const bench = new FenceBench();
  const seen: number[] = [];
  const fence = bench.fence(undefined, 1, { setDeadline: (_, time) => seen.push(time) });
  SyncFile.create(fence).setDeadline(123);
  fence.signal();
  SyncFile.create(fence).setDeadline(124);
  expect(seen).toEqual([123]);
});
