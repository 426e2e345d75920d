// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { type DmaBuf, SyncFlag } from "../../src/index.ts";
import type { Process } from "../../src/sim.ts";
import { DmaFence, type SyncFile, unwrapFence, usages } from "../../src/sync.ts";
import { type ModelLeaf, ModelResv } from "../sync/fence-model.ts";
import { BufferBench } from "./buffer-bench.ts";

// Two buffers whose fences go back and forth through sync files, against slots said as plainly as possible.

interface Command {
  readonly step: "add" | "add" | "signal" | "move" | "poll";
  readonly a: number;
  readonly b: number;
  readonly buffer: number;
}

class World {
  readonly bench = new BufferBench();
  readonly buffers: readonly DmaBuf[] = [
    this.bench.buffer,
    this.bench.system.dmaBuf.export({ exporterName: "other", ops: this.bench.exporter, size: 1 }),
  ];
  readonly models: readonly ModelResv[] = [new ModelResv(), new ModelResv()];
  readonly fences: DmaFence[] = [];
  readonly leaves: ModelLeaf[] = [];
  /** What in and out of the first buffer, and of the second, have hooked. */
  readonly #hooked: (ModelLeaf | undefined)[] = [];
  readonly #context = this.bench.system.dmaBuf.fences.contextAlloc(3);

  *run({ step, a, b, buffer: index }: Command): Process {
    const buffer = this.buffers[index] as DmaBuf;
    const model = this.models[index] as ModelResv;
    if (step === "add") {
      const leaf: ModelLeaf = {
        kind: "leaf",
        context: a % 3,
        seqno: this.leaves.length + 1,
        signaled: false,
      };
      const ops = { driverName: "model", timelineName: `${leaf.context}` };
      const { fences } = this.bench.system.dmaBuf;
      const fence = DmaFence.init(fences, ops, this.#context + leaf.context, leaf.seqno);
      yield* buffer.resv.lock();
      buffer.resv.reserveFences(1);
      buffer.resv.addFence(fence, usages[b % 4] as (typeof usages)[number]);
      buffer.resv.unlock();
      model.add(leaf, b % 4);
      this.fences.push(fence);
      this.leaves.push(leaf);
    } else if (step === "signal") {
      const at = a % Math.max(1, this.leaves.length);
      this.fences[at]?.signal();
      const leaf = this.leaves[at];
      if (leaf !== undefined) leaf.signaled = true;
    } else if (step === "move") yield* this.#move(buffer, model, 1 + (a % 3), 1 + (b % 3), 1 - index);
    else {
      const ready = yield* buffer.poll(["in", "out"], { timeout: 0 });
      const expected = (["in", "out"] as const).filter((_, slot) => this.#isReady(model, 2 * index + slot));
      expect([...ready].sort()).toEqual(expected);
    }
  }

  /** A direction's one slot is busy until the fence that it hooked signals, whatever became of that in the table (B-65). */
  #isReady(model: ModelResv, slot: number): boolean {
    if (this.#hooked[slot]?.signaled === false) return false;
    this.#hooked[slot] = model.pending(slot % 2 === 0 ? 1 : 2)[0];
    return this.#hooked[slot] === undefined;
  }

  /** Exports from one buffer and imports into the other. */
  *#move(buffer: DmaBuf, model: ModelResv, out: number, into: number, other: number): Process {
    const { fds } = this.bench.system.dmaBuf;
    const fd = yield* buffer.exportSyncFile(out);
    const expected = model.pending((out & SyncFlag.write) !== 0 ? 2 : 1);
    {
      using file = fds.getSyncFile(fd) as SyncFile;
      const found = unwrapFence(file.fence).map((leaf) =>
        this.fences.findIndex((fence) => fence.equals(leaf)),
      );
      expect(found).toEqual(expected.length === 0 ? [-1] : expected.map((leaf) => this.leaves.indexOf(leaf)));
    }
    yield* (this.buffers[other] as DmaBuf).importSyncFile(into, fd);
    const target = this.models[other] as ModelResv;
    if (expected.length > 0) target.reserve(expected.length);
    for (const leaf of expected) target.add(leaf, (into & SyncFlag.write) !== 0 ? 1 : 2);
    fds.close(fd);
  }
}

const command: fc.Arbitrary<Command> = fc.record({
  step: fc.constantFrom("add", "add", "signal", "move", "poll"),
  a: fc.nat(99),
  b: fc.nat(99),
  buffer: fc.nat(1),
});

test("what is exported, imported and polled is what the slots say (B-64, B-65, B-73, B-74, R-14, R-19)", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60, size: "max" }), (commands) => {
      const world = new World();
      const { bench } = world;
      bench.run(
        (function* () {
          for (const one of commands) yield* world.run(one);
          for (const fence of world.fences) {
            fence.signal();
            fence.put();
          }
        })(),
      );
      for (const buffer of world.buffers) {
        expect(buffer.references, "no slot holds the file any more").toBe(1);
        buffer.put();
      }
      const { fences } = bench.system.dmaBuf;
      // The stub lives as long as the pool.
      expect(fences.live).toBeLessThanOrEqual(1);
      expect(bench.complaints).toEqual([]);
    }),
    { seed: 20261120, numRuns: 150 },
  );
});
