// SPDX-License-Identifier: MIT
import { KernelError, type Process, type System } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { type HeapAllocate, type HeapAllocation, HeapDirectory } from "../src/index.ts";
import { boot, heapOf, run } from "./board.ts";

const O_CLOEXEC = 0x8_0000;

describe("registering a heap (H-1)", () => {
  const never: HeapAllocate = function* (): Process<never> {
    yield 0;
    throw new TypeError("unused");
  };

  test("makes it one of the system's, beside those of the plugin", () => {
    const system = boot();
    const own = HeapDirectory.of(system).add("carveout", never);
    expect(own.name).toBe("carveout");
    expect(HeapDirectory.of(system).open("carveout")).toBe(own);
    expect(HeapDirectory.of(system).open("system")).toBe(heapOf(system, "system"));
    expect(() => HeapDirectory.of(boot()).open("carveout")).toThrow(
      "open: -ENOENT: /dev/dma_heap/carveout does not exist",
    );
  });

  test.each([
    ["", never, "a heap needs a name"],
    ["broken", undefined as unknown as HeapAllocate, "heap broken cannot allocate"],
    ["twice", never, "there is a heap twice already"],
  ])("answers EINVAL for %j when it does not fit", (name, allocate, reason) => {
    const heaps = HeapDirectory.of(boot());
    heaps.add("twice", never);
    expect(() => heaps.add(name, allocate)).toThrow(new KernelError("EINVAL", "dma_heap_add", reason));
  });
});

describe("an allocation request (H-2)", () => {
  const request = (system: System, fields: HeapAllocation): number =>
    run(system, function* () {
      using buffer = yield* heapOf(system, "system").allocation(fields);
      return buffer.size;
    });

  test.each([
    [1, 4096],
    [4096, 4096],
    [4097, 8192],
    [0x1_0001, 0x1_1000],
  ])("rounds %d bytes up to %d", (len, size) => {
    expect(request(boot(), { len })).toBe(size);
  });

  test.each([0, 1, 2, 3, O_CLOEXEC, O_CLOEXEC + 2])("takes the descriptor flags %d", (fdFlags) => {
    expect(request(boot(), { len: 4096, fdFlags })).toBe(4096);
  });

  test.each<[HeapAllocation, string]>([
    [{ len: 0 }, "a buffer of 0 bytes"],
    [{ len: 2 ** 64 }, "len 0x10000000000000000 wraps to 0 when it is rounded up to whole pages"],
    [{ len: -1 }, "len -0x1 wraps to 0"],
    [{ len: 4096, fd: 1 }, "fd must be 0, it is 1"],
    [{ len: 4096, fd: -1 }, "fd must be 0, it is -1"],
    [{ len: 4096, fdFlags: 0x402 }, "fd_flags 0x402 has more than an access mode and O_CLOEXEC"],
    [{ len: 4096, fdFlags: 0xffff_ffff }, "fd_flags 0xffffffff has more"],
    [{ len: 4096, heapFlags: 2 }, "heap_flags must be 0, they are 0x2"],
    [{ len: 4096, heapFlags: 2 ** 32 }, "heap_flags must be 0, they are 0x100000000"],
  ])("refuses %j with EINVAL", (fields, reason) => {
    const system = boot();
    const free = system.memory.pages.freePageCount();
    expect(() => request(system, fields)).toThrow(`DMA_HEAP_IOCTL_ALLOC: -EINVAL: heap system: ${reason}`);
    expect(system.memory.pages.freePageCount()).toBe(free);
  });

  test("of something that is no number is a mistake of the caller", () => {
    expect(() => request(boot(), { len: 1.5 })).toThrow(TypeError);
    expect(() => request(boot(), { len: Number.NaN })).toThrow("len NaN is not a whole number");
  });
});
