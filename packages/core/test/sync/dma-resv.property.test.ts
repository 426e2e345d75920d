// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Process, Simulation } from "../../src/sim.ts";
import { DmaFence, DmaResv, FencePool, ResvPool, type Usage, usages } from "../../src/sync.ts";

/** Section 3.2 on one page: a list of entries, and what of it each operation changes. */
interface Entry {
  readonly fence: DmaFence;
  readonly usage: Usage;
}

const stronger = (usage: Usage, than: Usage): boolean => usages.indexOf(usage) <= usages.indexOf(than);

function modelAdd(entries: Entry[], fence: DmaFence, usage: Usage): void {
  const at = entries.findIndex((old) => {
    const sameContext = old.fence.context === fence.context && stronger(usage, old.usage);
    const notLater = old.fence === fence || old.fence.seqno < fence.seqno;
    return old.fence.isSignaled || (sameContext && notLater);
  });
  entries.splice(at < 0 ? entries.length : at, 1, { fence, usage });
}

const command = fc.record({
  op: fc.constantFrom("add", "add", "add", "signal", "grow", "again", "replace", "copy"),
  usage: fc.constantFrom(...usages),
  context: fc.integer({ min: 1, max: 4 }),
  pick: fc.nat(9),
});

test("a reservation object holds what the rules say, and no reference is lost (R-14..R-24, R-27)", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const simulation = new Simulation();
      const pool = new FencePool(simulation);
      const resv = new DmaResv(new ResvPool(simulation, pool));
      let entries: Entry[] = [];
      let room = 0;
      const fences: DmaFence[] = [];
      for (const [seqno, { op, usage, context, pick }] of commands.entries()) {
        resv.trylock();
        if (op === "signal") fences[pick % Math.max(1, fences.length)]?.signal();
        else if (op === "replace") {
          const fence = DmaFence.init(pool, { driverName: "mock", timelineName: "mock" }, 5, seqno);
          fences.push(fence);
          resv.replaceFences(context, fence, usage);
          entries = entries.map((entry) => (entry.fence.context === context ? { fence, usage } : entry));
        } else if (op === "copy") {
          resv.copyFences(resv);
          entries = entries.filter(({ fence }) => !fence.isSignaled);
          room = entries.length;
        } else {
          const again = op === "again" ? fences[pick % Math.max(1, fences.length)] : undefined;
          const count = op === "grow" ? 1 + pick : 1;
          if (entries.length + count > room) {
            const wanted = entries.length + count;
            room = room === 0 ? Math.max(4, 2 ** Math.ceil(Math.log2(count))) : Math.max(wanted, 2 * room);
            entries = entries.filter(({ fence }) => !fence.isSignaled);
          }
          resv.reserveFences(count);
          const fence =
            again ?? DmaFence.init(pool, { driverName: "mock", timelineName: "mock" }, context, seqno);
          if (again === undefined) fences.push(fence);
          modelAdd(entries, fence, usage);
          resv.addFence(fence, usage);
        }
        for (const asked of usages) {
          const expected = entries.filter(({ usage }) => stronger(usage, asked)).map(({ fence }) => fence);
          expect(resv.fences(asked).map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
          const pending = expected.filter((fence) => !fence.isSignaled);
          expect(resv.testSignaled(asked)).toBe(pending.length === 0);
          expect(resv.firstPending(asked)?.id).toBe(pending[0]?.id);
          const found = resv.getFences(asked);
          expect(found.map(({ id }) => id)).toEqual(pending.map(({ id }) => id));
          for (const fence of found) fence.put();
        }
        resv.unlock();
      }
      for (const fence of fences) {
        expect(pool.references(fence.id)).toBe(1 + entries.filter((entry) => entry.fence === fence).length);
      }
      resv.fini();
      for (const fence of fences) fence.put();
      expect([pool.live, simulation.diagnostics.entries]).toEqual([0, []]);
    }),
    { seed: 20261120, numRuns: 300 },
  );
});

test("the last writer of a buffer is never overtaken: jobs that follow R-29 leave the value of a serial run", () => {
  const job = fc.record({ write: fc.boolean(), ns: fc.integer({ min: 1, max: 9 }), at: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(job, { minLength: 1, maxLength: 12 }), (jobs) => {
      const simulation = new Simulation();
      const pool = new FencePool(simulation);
      const resv = new DmaResv(new ResvPool(simulation, pool));
      const published: number[] = [];
      let value = -1;
      let writing = 0;
      let reading = 0;
      const run = function* (number: number): Process {
        const { write, ns, at } = jobs[number] as (typeof jobs)[number];
        yield at;
        yield* resv.lock();
        resv.reserveFences(1);
        const before = resv.fences(write ? "read" : "write").map((fence) => fence.get());
        const fence = DmaFence.init(
          pool,
          { driverName: "engine", timelineName: "jobs" },
          pool.contextAlloc(1),
          1,
        );
        resv.addFence(fence, write ? "write" : "read");
        if (write) published.push(number);
        const newest = published.at(-1) ?? -1;
        resv.unlock();
        for (const dependency of before) {
          yield* dependency.wait();
          dependency.put();
        }
        expect([writing, write ? reading : 0]).toEqual([0, 0]);
        if (write) writing++;
        else reading++;
        if (!write) expect(value).toBe(newest);
        yield ns;
        if (write) value = number;
        if (write) writing--;
        else reading--;
        fence.signal();
        fence.put();
      };
      for (const number of jobs.keys()) simulation.spawn(`job ${number}`, run(number));
      expect(simulation.run().blocked).toEqual([]);
      expect(value).toBe(published.at(-1) ?? -1);
    }),
    { seed: 20261120, numRuns: 300 },
  );
});

test("the lock is held by one task at a time, and nobody waits for ever, whatever the arrivals (R-5, R-7)", () => {
  const user = fc.record({
    at: fc.nat(20),
    ns: fc.nat(5),
    how: fc.constantFrom("lock", "interruptible", "try"),
  });
  fc.assert(
    fc.property(
      fc.array(user, { maxLength: 12 }),
      fc.array(fc.nat(40), { maxLength: 4 }),
      (users, signals) => {
        const simulation = new Simulation();
        const resv = new DmaResv(new ResvPool(simulation, new FencePool(simulation)));
        let inside = 0;
        const use = function* (number: number): Process<string> {
          const { at, ns, how } = users[number] as (typeof users)[number];
          yield at;
          if (how === "try") {
            const free = !resv.isLocked;
            expect(resv.trylock()).toBe(free);
            if (!free) return "busy";
          } else {
            try {
              yield* resv.lock({ interruptible: how === "interruptible" });
            } catch {
              return "interrupted";
            }
          }
          expect([++inside, resv.isHeld]).toEqual([1, true]);
          yield ns;
          inside--;
          resv.unlock();
          return "done";
        };
        const tasks = [...users.keys()].map((number) => simulation.spawn(`user ${number}`, use(number)));
        for (const [i, at] of signals.entries()) simulation.timer(() => tasks[i]?.interrupt()).arm(at);
        expect(simulation.run().blocked).toEqual([]);
        for (const [i, task] of tasks.entries()) {
          const { how } = users[i] as (typeof users)[number];
          expect(task.result === "interrupted" && how !== "interruptible").toBe(false);
          expect(task.result === "busy" && how !== "try").toBe(false);
        }
        expect([resv.isLocked, simulation.diagnostics.entries]).toEqual([false, []]);
      },
    ),
    { seed: 20261120, numRuns: 300 },
  );
});
