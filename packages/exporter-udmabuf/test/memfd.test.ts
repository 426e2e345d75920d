// SPDX-License-Identifier: MIT
import { PAGE_SIZE } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { Memfd } from "../src/index.ts";
import { boot, run, sealed } from "./board.ts";

describe("pages", () => {
  test("come to be when they are written, cleared and dirty", () => {
    const system = boot();
    const free = system.memory.pages.freePageCount();
    const memfd = new Memfd(system);
    memfd.truncate(10 * PAGE_SIZE);
    expect([memfd.size, memfd.pageCount]).toEqual([10 * PAGE_SIZE, 0]);
    run(system, () => memfd.write(PAGE_SIZE + 100, PAGE_SIZE));
    expect(memfd.pageCount).toBe(2);
    expect([memfd.pageAt(0), memfd.pageAt(3), memfd.pageAt(99)]).toEqual([null, null, null]);
    expect(system.memory.pages.freePageCount()).toBe(free - 2);
    const { log } = system.analysis;
    expect([0, 1].map((step) => [log.operation(step).kind, log.extents(step).bytes])).toEqual([
      ["write", 2 * PAGE_SIZE],
      ["write", PAGE_SIZE],
    ]);
    expect(log.extents(1).addressAt(0)).toBe((memfd.pageAt(1) as number) + 100);
  });

  test("do not come to be by reading, and nothing is read in holes or past the end", () => {
    const system = boot();
    const memfd = new Memfd(system);
    memfd.truncate(4 * PAGE_SIZE);
    run(system, () => memfd.read(0, 4 * PAGE_SIZE));
    expect([memfd.pageCount, system.analysis.log.length]).toEqual([0, 0]);
    run(system, () => memfd.write(2 * PAGE_SIZE, PAGE_SIZE));
    run(system, () => memfd.read(PAGE_SIZE, 1000 * PAGE_SIZE));
    expect(memfd.pageCount).toBe(1);
    expect(system.analysis.log.operation(2).kind).toBe("read");
    expect(system.analysis.log.extents(2).bytes).toBe(PAGE_SIZE);
  });

  test("are made by a write past the end, which makes the file longer", () => {
    const system = boot();
    const memfd = new Memfd(system);
    run(system, () => memfd.write(5000, 1));
    expect([memfd.size, memfd.pageCount]).toEqual([5001, 1]);
    run(system, () => memfd.write(0, 0));
    expect(memfd.pageCount).toBe(1);
  });

  test("are freed when the file gets shorter, by a hole, and when it is closed", () => {
    const system = boot();
    const free = system.memory.pages.freePageCount();
    const memfd = new Memfd(system);
    run(system, () => memfd.write(0, 10 * PAGE_SIZE));
    memfd.truncate(6 * PAGE_SIZE);
    expect(system.memory.pages.freePageCount()).toBe(free - 6);
    memfd.truncate(8 * PAGE_SIZE);
    expect(memfd.pageCount).toBe(6);
    memfd.punchHole(PAGE_SIZE - 1, 2 * PAGE_SIZE + 1);
    expect([memfd.pageCount, memfd.size]).toEqual([4, 8 * PAGE_SIZE]);
    expect([memfd.pageAt(0) === null, memfd.pageAt(1), memfd.pageAt(2)]).toEqual([false, null, null]);
    memfd.close();
    memfd.close();
    expect(system.memory.pages.freePageCount()).toBe(free);
  });

  test("that are missing answer ENOMEM, and nothing is kept", () => {
    const system = boot();
    const free = system.memory.pages.freePageCount();
    const memfd = new Memfd(system);
    expect(() => run(system, () => memfd.write(0, (free + 1) * PAGE_SIZE))).toThrow(
      `pwrite: -ENOMEM: no free page is left for page ${free} of ${free + 1}`,
    );
    expect(system.memory.pages.freePageCount()).toBe(free);
  });
});

describe("seals", () => {
  test("shrink and grow keep the size", () => {
    const memfd = sealed(boot(), 4);
    expect(() => memfd.truncate(PAGE_SIZE)).toThrow(
      "ftruncate: -EPERM: 4096 is less than 16384, and the file is sealed: shrink",
    );
    memfd.truncate(5 * PAGE_SIZE);
    memfd.addSeals("grow");
    expect(() => memfd.truncate(6 * PAGE_SIZE)).toThrow("-EPERM: 24576 is more than 20480");
    memfd.truncate(5 * PAGE_SIZE);
    expect(memfd.seals).toEqual(["shrink", "grow"]);
  });

  test.each(["write", "future-write"] as const)("%s stops writes and holes", (seal) => {
    const system = boot();
    const memfd = sealed(system, 1);
    memfd.addSeals(seal);
    expect(() => run(system, () => memfd.write(0, 1))).toThrow("pwrite: -EPERM");
    expect(() => memfd.punchHole(0, PAGE_SIZE)).toThrow("fallocate: -EPERM");
    run(system, () => memfd.read(0, 1));
  });

  test("seal stops further ones, and a file made without sealing has it", () => {
    const system = boot();
    const memfd = new Memfd(system);
    memfd.addSeals("seal", "grow");
    expect(() => memfd.addSeals("shrink")).toThrow("F_ADD_SEALS: -EPERM: the file is sealed: seal");
    expect(new Memfd(system, { allowSealing: false }).seals).toEqual(["seal"]);
  });

  test("exec brings all others but seal", () => {
    const memfd = new Memfd(boot());
    memfd.addSeals("exec");
    expect(memfd.seals).toEqual(["shrink", "grow", "write", "future-write", "exec"]);
  });

  test("write is refused while pages are pinned, mapped or not; future-write is not", () => {
    const memfd = sealed(boot(), 2);
    const pages = memfd.pin(0, 1);
    expect(() => memfd.addSeals("write")).toThrow("F_ADD_SEALS: -EBUSY");
    expect(() => memfd.addSeals("exec")).toThrow("F_ADD_SEALS: -EBUSY");
    memfd.addSeals("future-write");
    memfd.unpin(0, pages.starts[0] as number);
    memfd.addSeals("write");
  });
});

describe("pins", () => {
  test("make the pages come to be, one range a page, and hold them across a hole and the close", () => {
    const system = boot();
    const free = system.memory.pages.freePageCount();
    const memfd = sealed(system, 3);
    const first = memfd.pin(0, 3);
    const second = memfd.pin(1, 2);
    expect([first.count, second.count]).toEqual([3, 2]);
    expect([...second.starts]).toEqual([...first.starts.slice(1)]);
    const [one, two, three] = [...first.starts] as [number, number, number];
    memfd.punchHole(PAGE_SIZE, PAGE_SIZE);
    expect([memfd.pageAt(1), memfd.pageCount]).toEqual([null, 2]);
    expect(system.memory.pages.freePageCount()).toBe(free - 3);
    run(system, () => memfd.write(PAGE_SIZE, 1));
    expect(memfd.pageAt(1)).not.toBe(two);
    memfd.close();
    expect(system.memory.pages.freePageCount()).toBe(free - 3);
    memfd.unpin(1, two);
    expect(system.memory.pages.freePageCount()).toBe(free - 3);
    memfd.unpin(1, two);
    expect(system.memory.pages.freePageCount()).toBe(free - 2);
    memfd.unpin(0, one);
    memfd.unpin(2, three);
    expect(system.memory.pages.freePageCount()).toBe(free - 1);
    memfd.unpin(2, three);
    expect(system.memory.pages.freePageCount()).toBe(free);
    expect(() => memfd.unpin(2, three)).toThrow("is not pinned");
  });

  test.each([
    [0, 0, "[0, 0) is empty"],
    [0, 4, "[0, 16384) is not within the 12288 bytes"],
    [3, 1, "[12288, 16384) is not within the 12288 bytes"],
    [2 ** 40, 1, "[4503599627370496, 4503599627374592) is not within the 12288 bytes"],
  ])("from page %d on, %d of them, answer EINVAL outside the file", (first, count, reason) => {
    const memfd = sealed(boot(), 3);
    expect(() => memfd.pin(first, count)).toThrow(`memfd_pin_folios: -EINVAL: ${reason}`);
    expect(memfd.pageCount).toBe(0);
  });

  test("of a part of a page that is not all file answer EINVAL", () => {
    const memfd = new Memfd(boot());
    memfd.truncate(5000);
    expect(() => memfd.pin(1, 1)).toThrow("memfd_pin_folios: -EINVAL");
    expect(memfd.pin(0, 1).count).toBe(1);
  });
});

test.each([-1, 0.5, Number.NaN, 2 ** 36 + 1, 2 ** 60])("%d is no size", (size) => {
  expect(() => new Memfd(boot()).truncate(size)).toThrow("ftruncate: -EINVAL");
});

test("ranges that are none and a closed file are refused", () => {
  const system = boot();
  const memfd = new Memfd(system);
  expect(() => memfd.punchHole(0, 0)).toThrow("fallocate: -EINVAL");
  expect(() => memfd.punchHole(-1, 5)).toThrow("fallocate: -EINVAL");
  memfd.punchHole(0, 2 ** 50);
  {
    using closed = memfd;
    expect(closed.isOpen).toBe(true);
  }
  expect(memfd.isOpen).toBe(false);
  expect(() => memfd.truncate(1)).toThrow("ftruncate: -EBADF: the memfd is closed");
  expect(() => memfd.addSeals("grow")).toThrow("F_ADD_SEALS: -EBADF");
  expect(() => memfd.punchHole(0, 1)).toThrow("fallocate: -EBADF");
  expect(() => run(system, () => memfd.write(0, 1))).toThrow("pwrite: -EBADF");
  expect(() => run(system, () => memfd.read(0, 1))).toThrow("pread: -EBADF");
});
