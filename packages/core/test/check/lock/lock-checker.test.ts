// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import type { DmaBuf, Finding, System } from "../../../src/index.ts";
import type { Process } from "../../../src/sim.ts";
import {
  beginSignalling,
  DmaFence,
  endSignalling,
  LockMap,
  lockAll,
  mightReclaim,
  WwClass,
} from "../../../src/sync.ts";
import { acquisition } from "../../platform/acquisition.ts";

const platform = acquisition();
const codes = ["lock-order", "lock-in-fence-critical-section", "leak"];
const inspect = (process: (system: System) => Process<unknown>): readonly Finding[] =>
  platform.inspect(process).findings.filter(({ code }) => codes.includes(code));
const told = (findings: readonly Finding[]) => findings.map(({ code, message }) => `${code}: ${message}`);

/** Two buffers for `use`, given back afterwards. */
const withBuffers = (use: (a: DmaBuf, b: DmaBuf, system: System) => Process) =>
  inspect(function* (system) {
    const { allocate } = system.exporter("syncing");
    const [a, b] = [yield* allocate(4096), yield* allocate(4096)];
    yield* use(a, b, system);
    a.put();
    b.put();
  });

function* locked(buffer: DmaBuf, use: () => Process): Process {
  yield* buffer.resv.lock();
  yield* use();
  buffer.resv.unlock();
}

function* nothing(): Process {
  yield 0;
}

describe("reservation locks among themselves", () => {
  test("two without a context are found in one task that came through (L-7), with both events", () => {
    const found = withBuffers((a, b) => locked(a, () => locked(b, nothing)));
    expect(told(found)).toEqual([
      "lock-order: takes the reservation lock of dma-buf 2 while it holds the reservation lock of dma-buf 1, without an acquire context: another task can take them in the other order (L-7)",
    ]);
    expect(found[0]?.because.map(({ text }) => text)).toEqual([
      "takes the reservation lock of dma-buf 1",
      "takes the reservation lock of dma-buf 2",
    ]);
    expect(found[0]).toMatchObject({ stage: "main", count: 1 });
  });

  test("one after the other, in one context, and a try inside are fine", () => {
    const found = withBuffers(function* (a, b) {
      yield* locked(a, nothing);
      yield* locked(b, nothing);
      for (const pair of [
        [a.resv, b.resv],
        [b.resv, a.resv],
      ]) {
        using _locks = yield* lockAll(pair);
        yield 1;
      }
      yield* locked(a, function* () {
        if (b.resv.trylock()) b.resv.unlock();
        yield 0;
      });
    });
    expect(told(found)).toEqual([]);
  });

  test("what is taken after a try counts again", () => {
    const found = withBuffers(function* (a, b) {
      a.resv.trylock();
      yield* locked(b, nothing);
      a.resv.unlock();
    });
    expect(found.map(({ code }) => code)).toEqual(["lock-order"]);
  });

  test("one that is never given back is a leak", () => {
    const found = inspect(function* (system) {
      const buffer = yield* system.exporter("syncing").allocate(4096);
      yield* buffer.resv.lock();
    });
    expect(told(found)).toContain("leak: takes the reservation lock of dma-buf 1, and that never ends");
  });

  test("a buffer is not put with its own reservation held, although others hold it too (L-11)", () => {
    const found = withBuffers((a) =>
      locked(a, function* () {
        a.get().put();
        yield 0;
      }),
    );
    expect(told(found)).toEqual([
      "lock-order: puts dma-buf 1 with its own reservation held: the last reference ends it (L-11)",
    ]);
  });
});

describe("the order that Linux prescribes", () => {
  const mmap = ({ simulation }: System) => new LockMap(simulation, "mmap_lock");

  test("the right way round is fine: mmap_lock, reservation, reclaim, waiting for fences", () => {
    const found = withBuffers(function* (a, _b, system) {
      using _mmap = mmap(system).acquire({ read: true });
      yield* locked(a, function* () {
        mightReclaim(system.simulation);
        yield* a.resv.wait("bookkeep");
      });
    });
    expect(told(found)).toEqual([]);
  });

  test("a page fault with a reservation held (L-1)", () => {
    const found = withBuffers((a, _b, system) =>
      locked(a, function* () {
        mmap(system).might();
        yield 0;
      }),
    );
    expect(told(found)).toEqual([
      "lock-order: takes mmap_lock while it holds the reservation lock of dma-buf 1; elsewhere the order is mmap_lock, then acquire context, then reservation lock (L-1)",
    ]);
    expect(found[0]?.because.at(-1)?.text).toBe(
      "acquire context, then reservation lock: the order that Linux prescribes (dma_resv_lockdep)",
    );
  });

  test.each([
    ["fs_reclaim", "L-2"],
    ["mmu_notifier_invalidate_range_start", "L-3"],
  ])("a reservation in %s (%s)", (name, rule) => {
    const found = withBuffers(function* (a, _b, { simulation }) {
      using _state = new LockMap(simulation, name).acquire();
      yield* locked(a, nothing);
    });
    expect(told(found)).toEqual([expect.stringMatching(new RegExp(`^lock-order: .*\\(${rule}\\)$`))]);
  });

  test("who reclaims may allocate, and a lock that is no object is not taken twice", () => {
    const found = withBuffers(function* (_a, _b, { simulation }) {
      using reclaim = new LockMap(simulation, "fs_reclaim").acquire();
      mightReclaim(simulation);
      const own = new LockMap(simulation, "ring->mutex");
      using _own = own.acquire();
      own.might();
      void reclaim;
      yield 0;
    });
    expect(told(found)).toEqual(["lock-order: takes ring->mutex, which it holds already (R-5)"]);
  });

  test("a driver's own lock, inside and outside, is told with both stacks (L-12)", () => {
    const found = withBuffers(function* (a, b, { simulation }) {
      const own = new LockMap(simulation, "vfio memory_lock");
      const outside = function* (): Process {
        using _own = own.acquire();
        yield* locked(a, nothing);
      };
      yield* simulation.spawn("revoke", outside()).join();
      yield* locked(b, function* () {
        using _own = own.acquire();
        yield 0;
      });
    });
    expect(told(found)).toEqual([
      "lock-order: takes vfio memory_lock while it holds the reservation lock of dma-buf 2; elsewhere the order is vfio memory_lock, then reservation lock (L-12)",
    ]);
    expect(found[0]?.because.map(({ timeline, text }) => `${timeline} ${text}`)).toEqual([
      "main takes the reservation lock of dma-buf 2",
      "main takes vfio memory_lock",
      "revoke takes vfio memory_lock",
      "revoke takes the reservation lock of dma-buf 1",
    ]);
  });

  test("an order that a wound/wait class of one's own has is learned as well", () => {
    const found = withBuffers(function* (a, _b, { simulation }) {
      const modeset = new WwClass(simulation, { name: "crtc_ww_class" });
      const crtc = modeset.create();
      const waitable = { describe: () => "the crtc" };
      yield* modeset.lock(crtc, waitable);
      yield* locked(a, nothing);
      modeset.unlock(crtc, "crtc");
      yield* locked(a, function* () {
        yield* modeset.lock(crtc, waitable);
        modeset.unlock(crtc, "crtc");
      });
    });
    expect(told(found)).toEqual([
      expect.stringMatching(/^lock-order: takes crtc_ww_class_mutex while .*reservation/),
    ]);
  });
});

describe("signalling sections (F-30, F-31)", () => {
  const section = (use: (a: DmaBuf, system: System) => Process) =>
    withBuffers(function* (a, _b, system) {
      const cookie = beginSignalling(system.simulation);
      yield* use(a, system);
      endSignalling(system.simulation, cookie);
    });

  test.each<[string, string, (a: DmaBuf, system: System) => Process]>([
    ["a reservation lock", "F-31", (a) => locked(a, nothing)],
    ["a reservation lock deep inside a detach", "F-31", (a, system) => detached(a, system)],
    ["an allocation that can reclaim", "L-6", (_a, { simulation }) => reclaiming(simulation, "kernel")],
    ["an allocation with GFP_NOFS", "L-16", (_a, { simulation }) => reclaiming(simulation, "nofs")],
    ["a wait", "L-5", (a) => waiting(a)],
    ["a page fault", "L-4", (_a, { simulation }) => faulting(simulation)],
  ])("%s is found (%s)", (_what, rule, use) => {
    const found = section(use);
    expect(found.length).toBeGreaterThan(0);
    for (const { code, message } of found) {
      expect(code).toBe("lock-in-fence-critical-section");
      expect(message).toContain("while a published fence waits for its signal");
    }
    expect(found.some(({ message }) => message.endsWith(`(${rule})`))).toBe(true);
  });

  function* detached(buffer: DmaBuf, system: System): Process {
    const attachment = yield* buffer.attach(system.device("direct"));
    yield* attachment.detach();
  }
  function* reclaiming(simulation: System["simulation"], how: "kernel" | "nofs"): Process {
    yield 0;
    mightReclaim(simulation, how);
  }
  function* waiting(buffer: DmaBuf): Process {
    yield* buffer.resv.wait("read", { timeout: 0 });
  }
  function* faulting(simulation: System["simulation"]): Process {
    yield 0;
    new LockMap(simulation, "mmap_lock").might();
  }

  test("a driver's lock in the section must not be held elsewhere around a reservation lock (F-32)", () => {
    const found = withBuffers(function* (a, _b, { simulation }) {
      const ring = new LockMap(simulation, "ring->mutex");
      const cookie = beginSignalling(simulation);
      ring.might();
      endSignalling(simulation, cookie);
      using _ring = ring.acquire();
      yield* locked(a, nothing);
    });
    expect(told(found)).toEqual([
      "lock-in-fence-critical-section: takes the reservation lock of dma-buf 1 while it holds ring->mutex; elsewhere the order is reservation lock, then reclaim, then i_mmap_rwsem, then MMU notifier, then fence wait, then ring->mutex (L-12)",
    ]);
    expect(found[0]?.because.some(({ text }) => text === "begins to signal a published fence")).toBe(true);
  });

  test("with a waiter that holds the reservation, its stack is the other side", () => {
    const found = withBuffers(function* (a, _b, { simulation }) {
      yield* locked(a, () => waiting(a));
      const cookie = beginSignalling(simulation);
      yield* locked(a, nothing);
      endSignalling(simulation, cookie);
    });
    expect(found[0]?.because.map(({ text }) => text)).toEqual([
      "begins to signal a published fence",
      "takes the reservation lock of dma-buf 1",
      "takes the reservation lock of dma-buf 1",
      "waits for the fences of dma-buf 1",
    ]);
  });

  test("a section inside a section and in atomic context is none of its own; outside everything is allowed", () => {
    const cookies: boolean[] = [];
    const found = withBuffers(function* (a, _b, { simulation }) {
      const outer = beginSignalling(simulation);
      const inner = beginSignalling(simulation);
      simulation
        .timer(() => {
          const cookie = beginSignalling(simulation);
          cookies.push(cookie);
          endSignalling(simulation, cookie);
        })
        .arm(1);
      yield 2;
      endSignalling(simulation, inner);
      cookies.push(beginSignalling(simulation), outer, inner);
      endSignalling(simulation, outer);
      yield* locked(a, () => waiting(a));
    });
    expect([cookies, told(found)]).toEqual([[true, true, false, true], []]);
  });

  test("one that is never ended is a leak", () => {
    const found = withBuffers(function* (_a, _b, { simulation }) {
      beginSignalling(simulation);
      yield 0;
    });
    expect(told(found)).toEqual(["leak: begins to signal a published fence, and that never ends"]);
  });
});

describe("where nothing may sleep", () => {
  test("a completion handler that takes a lock (R-10)", () => {
    const { findings } = platform.inspect(function* (system: System) {
      const buffer = yield* system.exporter("syncing").allocate(4096);
      system.simulation.timer(() => buffer.resv.trylock()).arm(5);
      yield 10;
      buffer.put();
    });
    expect(told(findings.filter(({ severity }) => severity === "error"))).toEqual([
      "lock-in-fence-critical-section: takes the reservation lock of dma-buf 1 in a completion handler, which cannot sleep (R-10)",
      expect.stringMatching(/^dma-api-misuse: dma_resv_trylock: a sleeping lock taken in atomic context/),
    ]);
  });

  test("a fence's callback, also where a task signals (L-10)", () => {
    const found = withBuffers(function* (a, _b, { dmaBuf }) {
      using fence = DmaFence.init(dmaBuf.fences, { driverName: "d", timelineName: "t" }, 7, 1);
      fence.addCallback(() => {
        if (a.resv.trylock()) a.resv.unlock();
      });
      fence.signal();
      yield* locked(a, nothing);
    });
    expect(told(found)).toEqual([
      "lock-in-fence-critical-section: takes the reservation lock of dma-buf 1 while it runs the callbacks of a fence (L-10)",
    ]);
  });
});
