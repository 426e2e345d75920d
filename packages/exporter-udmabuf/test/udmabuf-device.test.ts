// SPDX-License-Identifier: MIT
import { type DmaBuf, KernelError, PAGE_SIZE, type System } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { Memfd, type UdmabufItem } from "../src/index.ts";
import { boot, deviceOf, run, sealed } from "./board.ts";

const MiB = 2 ** 20;

const list = (system: System, items: readonly UdmabufItem[]): DmaBuf =>
  run(system, () => deviceOf(system).createList(items));
const starts = (buffer: DmaBuf): number[] => [...(buffer.ops.mmap?.(buffer).extents.starts ?? [])];

/** The errno of a list, and that nothing stayed behind. */
function refusal(system: System, items: readonly UdmabufItem[]): string {
  try {
    list(system, items);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    expect(system.dmaBuf.buffers).toEqual([]);
    return error.message;
  }
  throw new TypeError("the list was accepted");
}

describe("a buffer", () => {
  test("has the pages of its memfd, one entry each, in order", () => {
    const system = boot();
    const memfd = sealed(system, 8);
    const buffer = run(system, () =>
      deviceOf(system).create({ memfd, offset: 2 * PAGE_SIZE, size: 3 * PAGE_SIZE }),
    );
    expect(buffer.size).toBe(3 * PAGE_SIZE);
    expect(starts(buffer)).toEqual([2, 3, 4].map((index) => memfd.pageAt(index)));
    expect(memfd.pageCount).toBe(3);
    expect(buffer.exporterName).toBe("udmabuf");
  });

  test("is as long as it was made, whatever its memfd becomes", () => {
    const system = boot();
    const memfd = sealed(system, 1);
    const buffer = list(system, [{ memfd, offset: 0, size: PAGE_SIZE }]);
    memfd.truncate(9 * PAGE_SIZE);
    expect(buffer.size).toBe(PAGE_SIZE);
    expect(() => memfd.truncate(0)).toThrow("-EPERM");
  });

  test("may consist of parts of several memfds, which may overlap and repeat (U-5)", () => {
    const system = boot();
    const [one, two] = [sealed(system, 3), sealed(system, 1)];
    const items = [
      { memfd: one, offset: PAGE_SIZE, size: 2 * PAGE_SIZE },
      { memfd: two, offset: 0, size: PAGE_SIZE },
      { memfd: one, offset: 0, size: 2 * PAGE_SIZE },
    ];
    const buffer = list(system, items);
    expect(buffer.size).toBe(5 * PAGE_SIZE);
    const [a, b, c] = [0, 1, 2].map((index) => one.pageAt(index));
    expect(starts(buffer)).toEqual([b, c, two.pageAt(0), a, b]);
    const twin = list(system, [{ memfd: one, offset: 0, size: 3 * PAGE_SIZE }]);
    expect(starts(twin)).toEqual([a, b, c]);
    expect(twin.ino).not.toBe(buffer.ino);
  });

  test("frees its pages with the last of itself and its memfd (U-10)", () => {
    const system = boot();
    const free = system.memory.pages.freePageCount();
    const memfd = sealed(system, 4);
    const one = list(system, [{ memfd, offset: 0, size: 4 * PAGE_SIZE }]);
    const two = list(system, [{ memfd, offset: 0, size: PAGE_SIZE }]);
    memfd.close();
    expect(system.memory.pages.freePageCount()).toBe(free - 4);
    one.put();
    expect(system.memory.pages.freePageCount()).toBe(free - 1);
    two.put();
    expect(system.memory.pages.freePageCount()).toBe(free);
    const other = sealed(system, 4);
    list(system, [{ memfd: other, offset: 0, size: 2 * PAGE_SIZE }]).put();
    expect(system.memory.pages.freePageCount()).toBe(free - 2);
    other.close();
    expect(system.memory.pages.freePageCount()).toBe(free);
  });

  test("keeps a page that the memfd loses to a hole", () => {
    const system = boot();
    const memfd = sealed(system, 1);
    const buffer = list(system, [{ memfd, offset: 0, size: PAGE_SIZE }]);
    const [page] = starts(buffer);
    memfd.punchHole(0, PAGE_SIZE);
    run(system, () => memfd.write(0, PAGE_SIZE));
    expect(starts(buffer)).toEqual([page]);
    expect(memfd.pageAt(0)).not.toBe(page);
  });

  test("is cleared once, with the pages that were missing", () => {
    const system = boot();
    const memfd = sealed(system, 4);
    run(system, () => memfd.write(0, PAGE_SIZE));
    const before = system.analysis.log.length;
    list(system, [{ memfd, offset: 0, size: 4 * PAGE_SIZE }]);
    list(system, [{ memfd, offset: 0, size: 4 * PAGE_SIZE }]);
    expect(system.analysis.log.length).toBe(before + 1);
    expect(system.analysis.log.extents(before).bytes).toBe(3 * PAGE_SIZE);
  });
});

describe("the checks", () => {
  const item = (system: System, change: Partial<UdmabufItem> = {}): UdmabufItem => ({
    memfd: sealed(system, 4),
    offset: 0,
    size: PAGE_SIZE,
    ...change,
  });

  test.each<[string, Partial<UdmabufItem>, string]>([
    ["an odd offset", { offset: 1 }, "-EINVAL: item 0: offset 1 is not a multiple of the page size 4096"],
    ["an odd size", { size: 4095 }, "-EINVAL: item 0: size 4095 is not a multiple of the page size 4096"],
    ["no bytes", { size: 0 }, "-EINVAL: a buffer of 0 bytes"],
    ["more than the file", { size: 5 * PAGE_SIZE }, "memfd_pin_folios: -EINVAL: [0, 20480) is not within"],
    ["past the file", { offset: 4 * PAGE_SIZE }, "memfd_pin_folios: -EINVAL: [16384, 20480) is not within"],
    ["64 bits of offset", { offset: 2 ** 64 - PAGE_SIZE }, "memfd_pin_folios: -EINVAL"],
    ["64 bits of size", { size: 2 ** 64 - PAGE_SIZE }, "-EINVAL: 18446744073709548000 bytes, at most 64 MiB"],
    ["more than the limit", { size: 64 * MiB + PAGE_SIZE }, "-EINVAL: 67112960 bytes, at most 64 MiB"],
    [
      "a descriptor of nothing",
      { memfd: null },
      "-EBADFD: item 0: the descriptor is not that of an open memfd",
    ],
  ])("refuse %s", (_what, change, message) => {
    const system = boot();
    expect(refusal(system, [item(system, change)])).toContain(message);
  });

  test("refuse a closed memfd with EBADFD", () => {
    const system = boot();
    const memfd = sealed(system, 1);
    memfd.close();
    expect(refusal(system, [{ memfd, offset: 0, size: PAGE_SIZE }])).toContain("-EBADFD");
  });

  test("demand the seal shrink and neither of those against writing (U-4)", () => {
    const system = boot();
    const unsealed = new Memfd(system);
    unsealed.truncate(PAGE_SIZE);
    expect(refusal(system, [item(system, { memfd: unsealed })])).toContain(
      "-EINVAL: item 0: the memfd lacks the seal",
    );
    for (const seal of ["write", "future-write"] as const) {
      const memfd = sealed(system, 1);
      memfd.addSeals(seal);
      expect(refusal(system, [item(system, { memfd })])).toContain(
        `-EINVAL: item 0: the memfd has the seal ${seal}`,
      );
    }
    const memfd = sealed(system, 1);
    memfd.addSeals("grow", "seal");
    expect(list(system, [item(system, { memfd })]).size).toBe(PAGE_SIZE);
  });

  test("look at all sizes first, then at each file, its seals and its range (order of checks)", () => {
    const system = boot();
    const unsealed = new Memfd(system);
    const check = (...items: readonly Partial<UdmabufItem>[]): string =>
      refusal(
        system,
        items.map((change) => item(system, change)),
      );
    expect(check({ memfd: null }, { size: 1 })).toContain("item 1: size 1");
    expect(check({ memfd: null }, { size: 64 * MiB })).toContain("at most 64 MiB");
    expect(check({ memfd: unsealed }, { memfd: null })).toContain("item 0: the memfd lacks");
    expect(check({ memfd: null, size: 0 }, {})).toContain("EBADFD: item 0");
    expect(check({ offset: 9 * PAGE_SIZE }, { memfd: null })).toContain("memfd_pin_folios");
    expect(check({ memfd: unsealed, offset: 9 * PAGE_SIZE })).toContain("item 0: the memfd lacks");
    expect(check({}, { size: 0 })).toContain("memfd_pin_folios: -EINVAL: [0, 0) is empty");
    expect(refusal(system, [])).toContain("a buffer of 0 bytes");
  });

  test("leave nothing pinned", () => {
    const system = boot();
    const memfd = sealed(system, 4);
    refusal(system, [item(system, { memfd }), item(system, { memfd: null })]);
    memfd.addSeals("write");
    memfd.close();
    expect(memfd.pageCount).toBe(0);
  });

  test("are not made of the flags (U-6)", () => {
    const system = boot();
    const memfd = sealed(system, 1);
    for (const flags of [0, 1, 2, 0xffff_ffff]) {
      const buffer = run(system, () => deviceOf(system).create({ memfd, offset: 0, size: PAGE_SIZE, flags }));
      expect(buffer.size).toBe(PAGE_SIZE);
      run(system, () => deviceOf(system).createList([{ memfd, offset: 0, size: PAGE_SIZE }], flags)).put();
    }
  });

  test("take what is no unsigned number for a mistake of the caller", () => {
    const system = boot();
    expect(() => list(system, [item(system, { offset: -PAGE_SIZE })])).toThrow(TypeError);
    expect(() => list(system, [item(system, { size: Number.NaN })])).toThrow(
      "size NaN is not an unsigned number",
    );
  });
});

describe("limits (U-1)", () => {
  test("are 1024 items and 64 MiB", () => {
    const system = boot({}, { board: { memory: [{ base: 0, size: "128MiB" }], pools: [] } });
    const memfd = sealed(system, 1);
    const items = (count: number): UdmabufItem[] => Array(count).fill({ memfd, offset: 0, size: PAGE_SIZE });
    expect(refusal(system, items(1025))).toContain(
      "a list of 1025 items, at most 1024 are allowed (list_limit)",
    );
    expect(list(system, items(1024)).size).toBe(4 * MiB);
    expect(run(system, () => deviceOf(system).allocate(64 * MiB)).size).toBe(64 * MiB);
    expect(() => run(system, () => deviceOf(system).allocate(64 * MiB + PAGE_SIZE))).toThrow("size_limit_mb");
  });

  test("are module parameters", () => {
    const system = boot({}, { udmabuf: { listLimit: 2, sizeLimitMb: 1 } });
    const memfd = sealed(system, 1);
    const item = { memfd, offset: 0, size: PAGE_SIZE };
    expect(() => list(system, [item, item, item])).toThrow("at most 2 are allowed");
    expect(() => run(system, () => deviceOf(system).allocate(2 * MiB))).toThrow("at most 1 MiB are allowed");
    list(system, [item, item]);
  });
});

describe("allocate does what a program does", () => {
  test("and leaves the memfd to the buffer", () => {
    const system = boot();
    const free = system.memory.pages.freePageCount();
    const buffer = run(system, () => deviceOf(system).allocate(5 * PAGE_SIZE));
    expect(system.memory.pages.freePageCount()).toBe(free - 5);
    buffer.put();
    expect(system.memory.pages.freePageCount()).toBe(free);
  });

  test.each([0, 1, 4095, 5000, 2 ** 50])("and gets EINVAL for %d bytes", (size) => {
    const system = boot();
    expect(() => run(system, () => deviceOf(system).allocate(size))).toThrow("-EINVAL");
  });

  test("and ENOMEM when there is not that much memory", () => {
    const system = boot();
    const free = system.memory.pages.freePageCount();
    expect(() => run(system, () => deviceOf(system).allocate(60 * MiB))).toThrow(
      "memfd_pin_folios: -ENOMEM: no free page is left",
    );
    expect(system.memory.pages.freePageCount()).toBe(free);
  });
});
