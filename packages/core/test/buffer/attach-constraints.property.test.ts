// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Attachment,
  assemble,
  constraintsOf,
  type DeviceDescription,
  type DmaBuf,
  type DmaBufOps,
  intersectAll,
  KernelError,
  proposed,
  type SgMapping,
  type System,
} from "../../src/index.ts";
import { toyArch, toyBoard } from "../../src/testing.ts";

// The laws of constraints as a buffer keeps them, through attach and detach (D10, PR-11).

const wishes = fc.record(
  {
    maxSegmentSize: fc.constantFrom(4096, 65536, 2 ** 20),
    segmentBoundaryMask: fc.constantFrom(0xffff, 0xffff_ffff),
    maxSegmentCount: fc.constantFrom(1, 4, 64, 1024),
    contiguous: fc.boolean(),
    needsPages: fc.boolean(),
    trustId: fc.constantFrom("gpu", "tee"),
    preferredSegmentSize: fc.constantFrom(65536, 2 ** 21),
  },
  { requiredKeys: [] },
);
const devices = fc
  .array(wishes, { minLength: 2, maxLength: 6 })
  .map((all) =>
    Object.fromEntries(
      all.map((wish, i): [string, DeviceDescription] => [
        `device${i}`,
        { class: "dma", coherent: true, ...wish },
      ]),
    ),
  );

/** Nobody maps: attaching alone is looked at, and no memory is there yet. */
const nowhere: DmaBufOps = {
  map(): Generator<number, SgMapping> {
    throw new TypeError("nobody maps");
  },
  *unmap() {
    yield 0;
  },
  memory: () => null,
  release() {},
};

class Shared {
  readonly system: System;
  readonly buffer: DmaBuf;
  readonly attached = new Map<string, Attachment[]>();

  constructor(described: Readonly<Record<string, DeviceDescription>>, size: number) {
    this.system = assemble({ ...toyBoard, devices: described }, [toyArch()]).boot({ kernel: proposed });
    this.buffer = this.system.dmaBuf.export({ exporterName: "nowhere", ops: nowhere, size });
  }

  /** Whether it was let in. */
  attach(name: string): boolean {
    try {
      const attachment = this.system.simulation.complete("t", this.buffer.attach(this.system.device(name)));
      this.attached.set(name, [...(this.attached.get(name) ?? []), attachment]);
      return true;
    } catch (error) {
      if (error instanceof KernelError) return false;
      throw error;
    }
  }

  detach(name: string): void {
    const attachment = this.attached.get(name)?.pop();
    if (attachment !== undefined) this.system.simulation.complete("t", attachment.detach());
  }

  /** From scratch, of those who are attached. */
  get expected() {
    return intersectAll(this.buffer.attachments.map(({ device }) => constraintsOf(device)));
  }
}

const sizes = fc.constantFrom(4096, 2 ** 16, 2 ** 20, 2 ** 24);
const seed = 2015;

describe("what a buffer's devices can take together, through attach and detach", () => {
  test("is that of those who are attached, whoever came, went or was refused (PR-11)", () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(5)), { maxLength: 20 });
    fc.assert(
      fc.property(devices, sizes, steps, (described, size, moves) => {
        const shared = new Shared(described, size);
        const names = Object.keys(described);
        for (const [comes, pick] of moves) {
          const name = names[pick % names.length] as string;
          if (comes) shared.attach(name);
          else shared.detach(name);
          expect(shared.buffer.constraints).toEqual(shared.expected);
          expect(shared.buffer.recalculateConstraints()).toEqual(shared.expected);
          expect(shared.buffer.resv.isHeld).toBe(false);
        }
      }),
      { seed },
    );
  });

  test("does not depend on the order in which they come, nor does whether all are let in (D10, D12)", () => {
    fc.assert(
      fc.property(devices, sizes, (described, size) => {
        const names = Object.keys(described);
        const outcome = (order: readonly string[]) => {
          const shared = new Shared(described, size);
          const all = order.map((name) => shared.attach(name)).every((admitted) => admitted);
          return { all, constraints: all ? shared.buffer.constraints : null };
        };
        expect(outcome([...names].reverse())).toEqual(outcome(names));
      }),
      { seed },
    );
  });

  test("is not changed by somebody who attaches twice", () => {
    fc.assert(
      fc.property(devices, sizes, fc.nat(5), (described, size, pick) => {
        const shared = new Shared(described, size);
        const names = Object.keys(described).filter((name) => shared.attach(name));
        const again = names[pick % names.length];
        if (again === undefined) return;
        const before = shared.buffer.constraints;
        expect(shared.attach(again)).toBe(true);
        expect(shared.buffer.constraints).toEqual(before);
      }),
      { seed },
    );
  });
});
