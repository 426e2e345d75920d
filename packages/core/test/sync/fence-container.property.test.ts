// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type DmaFence,
  DmaFenceArray,
  DmaFenceChain,
  mergeFences,
  SyncFile,
  unwrapFence,
} from "../../src/sync.ts";
import { FenceBench } from "./fence-bench.ts";
import { type ModelFence, type ModelLeaf, merged, pendingLeaves, signaled } from "./fence-model.ts";

// Arrays, chains, merges and sync files of each other, under random commands, against what they mean.

/** A fence and what it should be; `ran` of its callbacks. */
interface Entry {
  readonly fence: DmaFence;
  readonly model: ModelFence;
  accepted: number;
  ran: number;
}

class Real {
  readonly bench = new FenceBench();
  readonly leaves: { readonly fence: DmaFence; readonly model: ModelLeaf }[] = [];
  readonly entries: Entry[] = [];
  readonly files: { readonly file: SyncFile; readonly model: readonly ModelLeaf[] }[] = [];
  readonly contexts: readonly number[];
  #seqno = 0;

  constructor() {
    const first = this.bench.pool.contextAlloc(3);
    this.contexts = [first, first + 1, first + 2];
  }

  add(fence: DmaFence, model: ModelFence): void {
    this.entries.push({ fence, model, accepted: 0, ran: 0 });
  }

  leaf(context: number): void {
    const seqno = ++this.#seqno;
    const fence = this.bench.fence(this.contexts[context] as number, seqno);
    const model: ModelLeaf = { kind: "leaf", context, seqno, signaled: false };
    this.leaves.push({ fence, model });
    this.add(fence, model);
  }

  pick<T>(list: readonly T[], index: number): T | undefined {
    return list[index % Math.max(1, list.length)];
  }

  /** The plain fences behind handles. */
  modelOf(fences: readonly DmaFence[]): (ModelLeaf | undefined)[] {
    return fences.map((fence) => this.leaves.find((leaf) => leaf.fence.equals(fence))?.model);
  }

  check(): void {
    this.bench.simulation.run();
    for (const { fence, model, accepted, ran } of this.entries) {
      // A callback switches signaling on: then nobody needs to ask for the signal to come.
      if (accepted > 0) expect(this.bench.pool.hasSignaled(fence.id)).toBe(signaled(model));
      expect(ran).toBe(signaled(model) ? accepted : 0);
    }
    for (const { file, model } of this.files)
      expect(file.pollEvents().length > 0).toBe(model.every((leaf) => leaf.signaled));
  }
}

type Step = (real: Real, a: number, b: number, c: number) => void;

const steps: Readonly<Record<string, Step>> = {
  leaf: (real, a) => real.leaf(a % 3),
  signal(real, a) {
    const leaf = real.pick(real.leaves, a);
    if (leaf === undefined) return;
    expect(leaf.fence.signal()).toBe(!leaf.model.signaled);
    leaf.model.signaled = true;
  },
  array(real, a, b, c) {
    const members = real.leaves.filter((_, i) => (i * 7 + a) % (2 + (b % 3)) === 0).slice(-6);
    if (members.length === 0) return;
    const any = c % 4 === 0;
    const fence = DmaFenceArray.create(
      members.map((member) => member.fence),
      { any },
    );
    real.add(fence, { kind: "array", any, members: members.map(({ model }) => model) });
  },
  chain(real, a, b, c) {
    const inner = real.pick(
      real.entries.filter(({ model }) => model.kind !== "chain"),
      a,
    );
    const previous = c % 5 === 0 ? undefined : real.pick(real.entries, b);
    if (inner === undefined) return;
    const fence = DmaFenceChain.create(previous?.fence ?? null, inner.fence, 1 + (c % 50));
    real.add(fence, { kind: "chain", previous: previous?.model ?? null, inner: inner.model });
  },
  merge(real, a, b) {
    const inputs = [real.pick(real.entries, a), real.pick(real.entries, b)].filter(
      (one) => one !== undefined,
    );
    if (inputs.length === 0) return;
    // An any-array that is done still shows its pending members; user space never sees one.
    if (inputs.some(({ model }) => hasAny(model))) return;
    const expected = merged(inputs.map(({ model }) => model));
    const fence = mergeFences(inputs.map((input) => input.fence));
    if (expected.length === 0) expect([fence.driverName, fence.status]).toEqual(["stub", "signaled"]);
    else expect(real.modelOf(unwrapFence(fence))).toEqual(expected);
    real.add(fence, { kind: "array", any: false, members: expected });
  },
  file(real, a) {
    const entry = real.pick(real.entries, a);
    if (entry === undefined || hasAny(entry.model)) return;
    const model = [...pendingLeaves(entry.model)];
    real.files.push({ file: SyncFile.create(entry.fence), model });
  },
  mergeFiles(real, a, b) {
    const [one, other] = [real.pick(real.files, a), real.pick(real.files, b)];
    if (one === undefined || other === undefined) return;
    const model = merged([...one.model, ...other.model]);
    const file = SyncFile.merge("merged", one.file, other.file);
    const info = file.info();
    expect(info.status).toBe(model.length === 0 ? "signaled" : "active");
    expect(info.fences.length).toBe(Math.max(1, model.length));
    real.files.push({ file, model });
  },
  ask(real, a) {
    const entry = real.pick(real.entries, a);
    if (entry !== undefined) expect(entry.fence.isSignaled).toBe(signaled(entry.model));
  },
  callback(real, a) {
    const entry = real.pick(real.entries, a);
    if (entry === undefined) return;
    const before = signaled(entry.model);
    const accepted = entry.fence.addCallback(() => entry.ran++) !== null;
    expect(accepted, "F-11").toBe(!before);
    if (accepted) entry.accepted++;
  },
  unwrap(real, a) {
    const entry = real.pick(real.entries, a);
    if (entry === undefined) return;
    const found = real.modelOf(unwrapFence(entry.fence)).filter((leaf) => leaf?.signaled === false);
    const expected = pendingLeaves(entry.model);
    if (!hasAny(entry.model)) expect(new Set(found)).toEqual(expected);
  },
};

/** Whether there is an array in it that waits for any: its pending members do not keep it pending. */
function hasAny(fence: ModelFence): boolean {
  if (fence.kind === "array") return fence.any;
  if (fence.kind === "leaf") return false;
  return hasAny(fence.inner) || (fence.previous !== null && hasAny(fence.previous));
}

class Command implements fc.Command<object, Real> {
  readonly #step: string;
  readonly #numbers: readonly [number, number, number];

  constructor(step: string, numbers: readonly [number, number, number]) {
    this.#step = step;
    this.#numbers = numbers;
  }

  check(): boolean {
    return true;
  }

  run(_: object, real: Real): void {
    steps[this.#step]?.(real, ...this.#numbers);
    real.check();
  }

  toString(): string {
    return `${this.#step}(${this.#numbers.join(", ")})`;
  }
}

const commandOf = (step: string): fc.Arbitrary<Command> =>
  fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99)).map((numbers) => new Command(step, numbers));

test("containers of containers mean what their parts mean, whatever happens to them (F-35 to F-49, S-1 to S-4)", () => {
  const names = [...Object.keys(steps), "leaf", "leaf", "signal"];
  fc.assert(
    fc.property(fc.commands(names.map(commandOf), { maxCommands: 80, size: "max" }), (commands) => {
      const real = new Real();
      fc.modelRun(() => ({ model: {}, real }), commands);
      for (const { fence, model } of real.leaves) {
        fence.signal();
        model.signaled = true;
      }
      real.check();
      for (const { file } of real.files) file.put();
      for (const { fence, accepted, ran } of real.entries) {
        expect(ran, "every accepted callback once").toBe(accepted);
        fence.put();
      }
      real.bench.simulation.run();
      expect([real.bench.pool.live, real.bench.complaints]).toEqual([0, []]);
    }),
    { seed: 20261120, numRuns: 250 },
  );
});
