// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Errno } from "../../src/error.ts";
import { type Process, Simulation } from "../../src/sim.ts";
import { type CallbackId, DmaFence, FencePool } from "../../src/sync.ts";

/** What a fence is, said as plainly as possible: sections 2.1 and 2.2 on one page. */
interface Model {
  readonly fence: DmaFence;
  readonly seqno: number;
  readonly driver: Driver;
  signaled: boolean;
  enabled: boolean;
  error: Errno | null;
  timestamp: number;
  callbacks: number[];
}

/** What the driver would answer: to enable_signaling, and to signaled. */
interface Driver {
  readonly arms: boolean;
  done: boolean;
}

interface World {
  readonly simulation: Simulation;
  readonly pool: FencePool;
  fences: Model[];
  /** Callbacks that ran, and those that should have. */
  readonly ran: number[];
  readonly expected: number[];
  /** Every accepted callback: its fence and the name to remove it by. */
  readonly callbacks: { readonly model: Model; readonly id: CallbackId; readonly number: number }[];
  number: number;
}

function modelSignal(world: World, model: Model): void {
  model.signaled = true;
  model.timestamp = world.simulation.now;
  world.expected.push(...model.callbacks);
  model.callbacks = [];
}

function modelEnable(world: World, model: Model): void {
  if (model.signaled || model.enabled) return;
  model.enabled = true;
  if (!model.driver.arms) modelSignal(world, model);
}

type Step = (world: World, model: Model) => void;

const steps: Readonly<Record<string, Step>> = {
  addCallback(world, model) {
    const number = world.number++;
    modelEnable(world, model);
    const id = model.fence.addCallback(() => world.ran.push(number));
    expect(id === null, "F-11").toBe(model.signaled);
    if (id === null) return;
    model.callbacks.push(number);
    world.callbacks.push({ model, id, number });
  },
  removeCallback(world) {
    const chosen = world.callbacks[world.number % Math.max(1, world.callbacks.length)];
    if (chosen === undefined || !world.fences.includes(chosen.model)) return;
    const { model, id, number } = chosen;
    expect(model.fence.removeCallback(id), "F-13").toBe(model.callbacks.includes(number));
    model.callbacks = model.callbacks.filter((queued) => queued !== number);
  },
  signal(world, model) {
    const first = !model.signaled;
    if (first) modelSignal(world, model);
    expect(model.fence.signal(), "F-3").toBe(first);
  },
  setError(_, model) {
    if (model.signaled) return;
    model.error = "EIO";
    model.fence.setError("EIO");
  },
  enable(world, model) {
    modelEnable(world, model);
    model.fence.enableSignaling();
  },
  finish(_, model) {
    model.driver.done = true;
  },
  poll(world, model) {
    if (!model.signaled && model.driver.done) modelSignal(world, model);
    expect(model.fence.isSignaled, "F-7").toBe(model.signaled);
  },
  put(world, model) {
    if (!model.signaled && model.callbacks.length > 0) {
      model.error = "EDEADLK";
      modelSignal(world, model);
    }
    world.fences = world.fences.filter((other) => other !== model);
    model.fence.put();
    expect(() => model.fence.error, "F-24").toThrow(TypeError);
  },
};

const sequence = fc.array(
  fc.record({
    step: fc.constantFrom(...Object.keys(steps), "create", "create", "addCallback", "addCallback", "pass"),
    fence: fc.nat(7),
    arms: fc.boolean(),
  }),
  { maxLength: 120 },
);

test("fences do what the state table says, and every accepted callback runs exactly once or was removed (F-3..F-14, F-24, H.1)", () => {
  fc.assert(
    fc.property(sequence, (commands) => {
      const simulation = new Simulation();
      const pool = new FencePool(simulation);
      const world: World = { simulation, pool, fences: [], ran: [], expected: [], callbacks: [], number: 0 };
      for (const { step, fence, arms } of commands) {
        if (step === "pass") simulation.run({ until: simulation.now + 1 });
        const model = world.fences[fence % Math.max(1, world.fences.length)];
        if (step === "create") {
          const driver: Driver = { arms, done: false };
          const ops = {
            driverName: "mock",
            timelineName: "mock",
            enableSignaling: () => driver.arms,
            signaled: () => driver.done,
          };
          const seqno = world.number++;
          const made = { fence: DmaFence.init(pool, ops, 1, seqno), seqno, driver };
          const state = { signaled: false, enabled: false, error: null, timestamp: 0, callbacks: [] };
          world.fences.push({ ...made, ...state });
        } else if (model !== undefined) steps[step]?.(world, model);
        expect(world.ran).toEqual(world.expected);
        for (const { fence, seqno, driver, signaled, error, timestamp } of world.fences) {
          expect([fence.seqno, fence.error]).toEqual([seqno, error]);
          if (signaled) expect([fence.status, fence.timestamp]).toEqual([error ?? "signaled", timestamp]);
          else if (!driver.done) expect(fence.status, "F-8").toBe("active");
        }
      }
      expect(pool.live).toBe(world.fences.length);
      for (const model of world.fences) steps["signal"]?.(world, model);
      expect(world.ran).toEqual(world.expected);
      expect(new Set(world.ran).size).toBe(world.ran.length);
    }),
    { seed: 20261120, numRuns: 400 },
  );
});

test("waiters with timeouts get what is left or 0, whatever the schedule (F-16)", () => {
  const waits = fc.array(fc.record({ at: fc.nat(20), timeout: fc.nat(20) }), { maxLength: 10 });
  fc.assert(
    fc.property(waits, fc.nat(30), (waits, signalAt) => {
      const simulation = new Simulation();
      const pool = new FencePool(simulation);
      const fence = DmaFence.init(pool, { driverName: "d", timelineName: "t" }, 1, 1);
      simulation.timer(() => fence.signal()).arm(signalAt);
      const waiter = function* (at: number, timeout: number): Process<number> {
        yield at;
        return yield* fence.wait({ timeout });
      };
      const tasks = waits.map(({ at, timeout }, i) => simulation.spawn(`w${i}`, waiter(at, timeout)));
      expect(simulation.run().blocked).toEqual([]);
      for (const [i, task] of tasks.entries()) {
        const { at, timeout } = waits[i] as { at: number; timeout: number };
        // The signal was armed first, so at its own instant it precedes everybody.
        const success = signalAt <= at + timeout;
        const left = at + timeout - Math.max(at, signalAt);
        expect(task.result).toBe(success ? Math.max(1, left) : 0);
      }
      expect(pool.references(fence.id)).toBe(1);
    }),
    { seed: 20261120, numRuns: 300 },
  );
});

test("seqnos compare as signed 32-bit differences of their low words (F-21)", () => {
  const simulation = new Simulation();
  const pool = new FencePool(simulation);
  const word = 2n ** 32n;
  fc.assert(
    fc.property(fc.nat(Number.MAX_SAFE_INTEGER), fc.nat(Number.MAX_SAFE_INTEGER), (a, b) => {
      const ops = { driverName: "d", timelineName: "t" };
      const [first, second] = [DmaFence.init(pool, ops, 1, a), DmaFence.init(pool, ops, 1, b)];
      const expected = BigInt.asIntN(32, (BigInt(a) % word) - (BigInt(b) % word)) > 0n;
      expect(first.isLater(second)).toBe(expected);
      first.put();
      second.put();
    }),
    { seed: 20261120, numRuns: 500 },
  );
});
