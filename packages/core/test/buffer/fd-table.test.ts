// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { BufferBench } from "./buffer-bench.ts";

test("a descriptor takes over the caller's reference, lowest free number first, from 3 (B-11)", () => {
  const { buffer, system } = new BufferBench();
  const { fds } = system.dmaBuf;
  expect(fds.install(buffer)).toBe(3);
  expect([buffer.references, fds.size]).toEqual([1, 1]);
  expect(fds.dup(3)).toBe(4);
  expect(fds.dup(4)).toBe(5);
  expect(buffer.references).toBe(3);
  fds.close(4);
  expect(fds.dup(5)).toBe(4);
  const events = [...system.simulation.trace.events()].map(String);
  expect(events.filter((text) => text.startsWith("dma_buf_fd:"))[0]).toBe(
    "dma_buf_fd: exp_name=open size=12288 ino=1 fd=3",
  );
});

test("get takes a reference of its own (B-12)", () => {
  const { buffer, system } = new BufferBench();
  const { fds } = system.dmaBuf;
  const fd = fds.install(buffer);
  expect(fds.get(fd)).toBe(buffer);
  expect(buffer.references).toBe(2);
});

test("what is not open answers EBADF, whatever is asked", () => {
  const { buffer, system } = new BufferBench();
  const { fds } = system.dmaBuf;
  const fd = fds.install(buffer);
  fds.close(fd);
  for (const act of [() => fds.get(fd), () => fds.dup(-1), () => fds.close(fd), () => fds.get(999)]) {
    expect(act).toThrow(/-EBADF: descriptor -?\d+ is not open/);
  }
});

test("the last close releases; a mapping keeps the buffer", () => {
  const { buffer, system, exporter } = new BufferBench();
  const { fds } = system.dmaBuf;
  const fd = fds.install(buffer);
  const mapping = buffer.mmap();
  fds.close(fd);
  expect(exporter.calls).not.toContain("release");
  mapping.unmap();
  expect(exporter.calls).toContain("release");
});

test("1024 are enough (RLIMIT_NOFILE): then EMFILE, and the reference stays the caller's", () => {
  const { buffer, system } = new BufferBench();
  const { fds } = system.dmaBuf;
  fds.install(buffer);
  for (let fd = 4; fd < 1024; fd++) expect(fds.dup(3)).toBe(fd);
  const before = buffer.references;
  expect(() => fds.install(buffer)).toThrow("dma_buf_fd: -EMFILE: all 1024 descriptors are open");
  expect(() => fds.dup(3)).toThrow("-EMFILE");
  expect(buffer.references, "a dup that fails keeps no reference").toBe(before);
});
