// SPDX-License-Identifier: MIT
// The table of section 1.15: who is called with the reservation held, and who without (B-78).
import { describe, expect, test } from "vitest";
import type { Attachment, Process } from "../../src/index.ts";
import { BufferBench } from "./buffer-bench.ts";

interface Call {
  readonly name: string;
  /** What 1.15 demands of the caller. */
  readonly held: boolean;
  /** What a caller that does otherwise is told. */
  readonly complaint: string;
  call(bench: BufferBench, attachment: Attachment): Process;
}

const calls: readonly Call[] = [
  {
    name: "attach",
    held: false,
    complaint: "B-21 dma_buf_attach",
    *call({ buffer, system }) {
      yield* buffer.attach(system.device("display"));
    },
  },
  {
    name: "detach",
    held: false,
    complaint: "B-27 dma_buf_detach",
    call: (_bench, attachment) => attachment.detach(),
  },
  {
    name: "begin_cpu_access",
    held: false,
    complaint: "B-50 dma_buf_begin_cpu_access",
    call: ({ buffer }) => buffer.beginCpuAccess("from-device"),
  },
  {
    name: "end_cpu_access",
    held: false,
    complaint: "B-52 dma_buf_end_cpu_access",
    call: ({ buffer }) => buffer.endCpuAccess("from-device"),
  },
  {
    name: "mmap",
    held: false,
    complaint: "B-59 dma_buf_mmap",
    *call({ buffer }) {
      yield 0;
      buffer.mmap().unmap();
    },
  },
  {
    name: "map_attachment_unlocked (B-42)",
    held: false,
    complaint: "R-5 dma_resv_lock",
    *call(_bench, attachment) {
      yield* attachment.mapUnlocked("to-device");
    },
  },
  {
    name: "unmap_attachment_unlocked (B-42)",
    held: false,
    complaint: "R-5 dma_resv_lock",
    *call({ buffer }, attachment) {
      if (!buffer.resv.isHeld)
        return yield* attachment.unmapUnlocked(yield* attachment.mapUnlocked("to-device"));
      yield* attachment.unmapUnlocked(yield* attachment.map("to-device"));
    },
  },
  {
    name: "map_attachment",
    held: true,
    complaint: "B-34 dma_buf_map_attachment",
    *call(_bench, attachment) {
      yield* attachment.map("to-device");
    },
  },
  {
    name: "unmap_attachment",
    held: true,
    complaint: "B-41 dma_buf_unmap_attachment",
    *call({ buffer }, attachment) {
      if (buffer.resv.isHeld) return yield* attachment.unmap(yield* attachment.map("to-device"));
      yield* attachment.unmap(yield* attachment.mapUnlocked("to-device"));
    },
  },
];

/** Calls with the reservation held or free; whoever locks it again waits for ever, which is part of the answer. */
function complaintsOf({ call }: Call, held: boolean): string[] {
  const bench = new BufferBench();
  const { simulation } = bench.system;
  const attachment = bench.run(bench.buffer.attach(bench.system.device("direct")));
  simulation.spawn("caller", held ? bench.locked(() => call(bench, attachment)) : call(bench, attachment));
  simulation.run();
  return bench.complaints;
}

describe.each(calls)("$name", (call) => {
  test(`is called with the reservation ${call.held ? "held" : "free"}`, () => {
    expect(complaintsOf(call, call.held)).toEqual([]);
  });
  test("complains otherwise", () => {
    expect(complaintsOf(call, !call.held)[0]).toBe(call.complaint);
  });
});

test("a function that takes the reservation itself deadlocks when it is held (B-42)", () => {
  const bench = new BufferBench();
  const attachment = bench.run(bench.buffer.attach(bench.system.device("direct")));
  expect(() => bench.run(bench.locked(() => attachment.mapUnlocked("to-device")))).toThrow(
    "-EDEADLK: nothing is left that could wake it: test waits for the reservation lock of dma-buf 1",
  );
});

test("exporters are called with the reservation held to map and unmap, and without for everything else", () => {
  for (const cached of [false, true]) {
    const bench = new BufferBench({}, cached);
    const { buffer, exporter, system } = bench;
    bench.run(
      (function* () {
        const attachment = yield* buffer.attach(system.device("direct"));
        yield* attachment.unmapUnlocked(yield* attachment.mapUnlocked("to-device"));
        buffer.mmap().unmap();
        yield* buffer.beginCpuAccess("from-device");
        yield* buffer.endCpuAccess("from-device");
        yield* attachment.detach();
        buffer.put();
      })(),
    );
    expect(exporter.calls.toSorted()).toEqual([
      "attach",
      "begin from-device",
      "detach",
      "end from-device",
      "map to-device locked",
      "mmap",
      "release",
      "unmap locked",
    ]);
    expect(bench.complaints).toEqual([]);
  }
});
