// SPDX-License-Identifier: MIT
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { type DmaBuf, KernelError, type System } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { boot, heapOf, run } from "./board.ts";

// What a kernel answered (6.12.117), replayed: every recorded heap case, as far as it concerns what is modelled.

const file = join(env["DMABUF_GOLDEN"] ?? "", "linux-6.12-heap-lifetime.jsonl");

interface Step {
  readonly call: string;
  readonly ret: number | "fd";
  readonly errno?: string;
}
interface Recorded {
  readonly case: string;
  readonly steps: readonly Step[];
}

const recorded: readonly Recorded[] = existsSync(file)
  ? readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Recorded)
      .filter((one) => one.case.startsWith("heap/"))
  : [];

/** A process that talks to the system heap. */
class Probe {
  readonly system: System = boot({ data: 1 });
  #buffer: DmaBuf | null = null;

  /** What the model answers to a call, or why it has no answer. */
  answer(call: string): number | string | { readonly notModelled: string } {
    try {
      return this.#answer(call);
    } catch (error) {
      if (error instanceof KernelError) return error.errno;
      throw error;
    }
  }

  #answer(call: string): number | string | { readonly notModelled: string } {
    const fields = /ALLOC\(len=(0x\w+),fd_flags=(0x\w+),heap_flags=(0x\w+)\)/.exec(call);
    if (fields !== null) {
      const [len, fdFlags, heapFlags] = fields.slice(1).map(Number) as [number, number, number];
      this.#allocate({ len, fdFlags, heapFlags });
      return 0;
    }
    const preset = /ALLOC\(fd field preset (-?\d+)\)/.exec(call);
    if (preset !== null) {
      this.#allocate({ len: 4096, fd: Number(preset[1]) });
      return 0;
    }
    switch (call) {
      case "open(/dev/dma_heap/system,O_RDONLY)":
        heapOf(this.system, "system");
        return "fd";
      case "ALLOC 3 pages":
        this.#allocate({ len: 3 * 4096 });
        return 0;
      case "lseek(dmabuf,0,END)":
        return this.buffer.size;
      case "mmap RW":
        this.buffer.mmap();
        return 0;
      case "SYNC END|RW without start":
        run(this.system, () => this.buffer.endCpuAccess("bidirectional"));
        return 0;
      case "SYNC START|RW":
        run(this.system, () => this.buffer.beginCpuAccess("bidirectional"));
        return 0;
      case "write 0x7 to page0":
        this.system.data?.write(this.system.cpu.route, this.#page(0), new Uint8Array(4096).fill(7));
        return 0;
      case "read page0 after fd close": {
        this.buffer.put();
        const bytes = new Uint8Array(4096);
        this.system.data?.read(this.system.cpu.route, this.#page(0), bytes);
        return bytes[0] as number;
      }
    }
    for (const [pattern, notModelled] of outOfScope) if (pattern.test(call)) return { notModelled };
    throw new TypeError(`the replay does not know the call ${call}`);
  }

  get buffer(): DmaBuf {
    if (this.#buffer === null) throw new TypeError("no buffer was allocated");
    return this.#buffer;
  }

  #allocate(fields: Parameters<ReturnType<typeof heapOf>["allocation"]>[0]): void {
    this.#buffer = run(this.system, () => heapOf(this.system, "system").allocation(fields));
  }

  #page(index: number) {
    const extents = this.buffer.ops.mmap?.(this.buffer).extents;
    if (extents === undefined) throw new TypeError("no mmap");
    return extents.slice(index * 4096, 4096);
  }
}

const outOfScope: readonly (readonly [RegExp, string])[] = [
  [/^mmap (RW SHARED|4 pages|at end|PRIVATE)/, "access modes, bounds and kinds of user mappings"],
  [/^read page1 \(zeroed\)/, "that cleared memory holds zeroes: a clear is a write like any other"],
  [/^poll/, "poll"],
];

describe("recorded heap answers", () => {
  for (const { case: name, steps } of recorded) {
    test(name, () => {
      const probe = new Probe();
      for (const { call, ret, errno } of steps) {
        const answer = probe.answer(call);
        if (typeof answer === "object") continue;
        expect(answer, call).toBe(errno ?? ret);
      }
    });
  }

  test("are all replayed, but for what is not modelled", ({ skip }) => {
    if (recorded.length === 0)
      skip("DMABUF_GOLDEN is not set to a folder with linux-6.12-heap-lifetime.jsonl");
    const skipped: Record<string, number> = {};
    let compared = 0;
    for (const { steps } of recorded) {
      const probe = new Probe();
      for (const { call } of steps) {
        const answer = probe.answer(call);
        if (typeof answer === "object") skipped[answer.notModelled] = (skipped[answer.notModelled] ?? 0) + 1;
        else compared++;
      }
    }
    expect({ cases: recorded.length, compared, skipped }).toEqual({
      cases: 16,
      compared: 45,
      skipped: {
        "access modes, bounds and kinds of user mappings": 11,
        poll: 1,
        "that cleared memory holds zeroes: a clear is a write like any other": 1,
      },
    });
  });
});
