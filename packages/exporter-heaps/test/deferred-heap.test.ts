// SPDX-License-Identifier: MIT
import { type Attachment, type KernelProfile, linux612, proposed, type System } from "@dmabuf/core";
import { toyBoard } from "@dmabuf/core/testing";
import { describe, expect, test } from "vitest";
import { boot, run } from "./board.ts";

const { direct } = toyBoard.devices;
const devices = {
  ...(direct && {
    lax: direct,
    whole: { ...direct, contiguous: true },
    few: { ...direct, maxSegmentCount: 2 },
  }),
};
const start = (kernel: KernelProfile): System => boot({ kernel }, { devices });
const SIZE = 5 * 4096;

/** Ranges that the memory is in when all have attached in this order and the first maps. */
function ranges(kernel: KernelProfile, ...names: readonly string[]): number | undefined {
  const system = start(kernel);
  return run(system, function* () {
    using buffer = yield* system.exporter("deferred").allocate(SIZE);
    const attachments: Attachment[] = [];
    for (const name of names) attachments.push(yield* buffer.attach(system.device(name)));
    const first = attachments[0] as Attachment;
    const mapping = yield* first.mapUnlocked("to-device");
    const count = buffer.ops.memory?.(buffer)?.extents.count;
    yield* first.unmapUnlocked(mapping);
    for (const attachment of attachments) yield* attachment.detach();
    return count;
  });
}

describe("the deferred heap (D13)", () => {
  test("takes scattered pages when nobody minds, and one run when somebody does, in any order", () => {
    expect(ranges(proposed, "lax")).toBe(5);
    for (const picky of ["whole", "few"]) {
      expect(ranges(proposed, "lax", picky)).toBe(1);
      expect(ranges(proposed, picky, "lax")).toBe(1);
    }
  });

  test("is the system heap for a kernel that does not ask", () => {
    expect(ranges(linux612, "lax", "whole")).toBe(5);
  });

  test("chooses when user space maps it before any device has", () => {
    const system = start(proposed);
    run(system, function* () {
      using buffer = yield* system.exporter("deferred").allocate(SIZE);
      expect(buffer.ops.memory?.(buffer)).toBeNull();
      yield* buffer.beginCpuAccess("from-device");
      yield* buffer.endCpuAccess("from-device");
      const attachment = yield* buffer.attach(system.device("whole"));
      using user = buffer.mmap();
      expect([user.memoryType, buffer.ops.memory?.(buffer)?.extents.count]).toEqual(["write-back", 1]);
      yield* attachment.detach();
    });
  });

  test("gives back what it took, also nothing", () => {
    const system = start(proposed);
    const free = (): number => system.memory.pages.freePageCount();
    const before = free();
    run(system, function* () {
      const buffer = yield* system.exporter("deferred").allocate(SIZE);
      expect(free()).toBe(before);
      buffer.put();
      const mapped = yield* system.exporter("deferred").allocate(SIZE);
      mapped.mmap().unmap();
      expect(free()).toBe(before - 5);
      mapped.put();
    });
    expect(free()).toBe(before);
  });
});
