// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import type { DmaBufOps } from "../../src/buffer/dma-buf-ops.ts";
import { KernelError } from "../../src/index.ts";
import { DmaResv } from "../../src/sync.ts";
import { BufferBench, OpenExporter, pages } from "./buffer-bench.ts";

describe("export", () => {
  test.each(["map", "unmap", "release"] as const)("without %s it is refused (B-1)", (operation) => {
    const { system, exporter, complaints: _ } = new BufferBench();
    const ops = new Proxy(exporter, {
      get: (target, key) => (key === operation ? undefined : Reflect.get(target, key)),
    }) as DmaBufOps;
    const before = system.dmaBuf.buffers.length;
    expect(() => system.dmaBuf.export({ exporterName: "broken", ops, size: 4096 })).toThrow(
      `dma_buf_export: -EINVAL: the operations of broken lack ${operation}`,
    );
    const [complaint] = system.simulation.diagnostics.entries;
    expect([complaint?.severity, complaint?.rule]).toEqual(["warn", "B-1"]);
    expect(system.dmaBuf.buffers.length).toBe(before);
  });

  test("numbers count from 1, are never used again, and name the buffer in its event (B-5)", () => {
    const { system, exporter, buffer } = new BufferBench();
    const make = () => system.dmaBuf.export({ exporterName: "open", ops: exporter, size: 1 });
    expect(buffer.ino).toBe(1);
    make().put();
    expect(make().ino).toBe(3);
    const [event] = [...system.simulation.trace.events()].filter(
      ({ point }) => point.name === "dma_buf_export",
    );
    expect(String(event)).toBe(`dma_buf_export: exp_name=open size=${pages.bytes} ino=1`);
  });

  test("a size is taken as it is (B-8), one reference is the caller's, and the buffer is listed (B-10)", () => {
    const { system, exporter, buffer } = new BufferBench();
    const odd = system.dmaBuf.export({ exporterName: "open", ops: exporter, size: 4097 });
    expect([odd.size, odd.references, odd.attachments.length, odd.name]).toEqual([4097, 1, 0, null]);
    expect(system.dmaBuf.buffers).toEqual([buffer, odd]);
    odd.put();
    expect(system.dmaBuf.buffers).toEqual([buffer]);
  });
});

test("an exporter may lend the reservation, which outlives the buffer (B-7)", () => {
  const { system, exporter } = new BufferBench();
  const resv = new DmaResv(system.dmaBuf.resvs, "lent");
  const make = () => system.dmaBuf.export({ exporterName: "open", ops: exporter, size: 4096, resv });
  const [one, two] = [make(), make()];
  expect([one.resv, two.resv]).toEqual([resv, resv]);
  one.put();
  two.put();
  expect(resv.isLocked).toBe(false);
  resv.fini();
});

describe("references", () => {
  test("the last put releases, once (B-13 to B-16)", () => {
    const { buffer, exporter, system } = new BufferBench();
    buffer.get().get();
    expect(buffer.references).toBe(3);
    buffer.put();
    buffer.put();
    expect([exporter.calls, system.dmaBuf.buffers.length]).toEqual([[], 1]);
    buffer.put();
    expect([exporter.calls, system.dmaBuf.buffers.length]).toEqual([["release"], 0]);
    expect(() => buffer.put()).toThrow("dma_buf_put: BUG: the last reference is gone already (B-13)");
    expect(exporter.calls).toEqual(["release"]);
  });

  test("`using` puts, and a mapping holds a reference until it is disposed of (B-17)", () => {
    const { buffer, exporter } = new BufferBench();
    {
      using held = buffer.get();
      using mapping = held.mmap();
      expect([held.references, mapping.buffer]).toEqual([3, buffer]);
      mapping.unmap();
      mapping.unmap();
      expect(held.references).toBe(2);
    }
    expect(buffer.references).toBe(1);
    buffer.put();
    expect(exporter.calls).toEqual(["mmap", "release"]);
  });

  test("an attachment holds none: the buffer goes, and that is noted (B-16, B-17)", () => {
    const bench = new BufferBench();
    bench.run(
      (function* () {
        yield* bench.buffer.attach(bench.system.device("direct"));
        yield* bench.buffer.attach(bench.system.device("display"));
        expect(bench.buffer.references).toBe(1);
        bench.buffer.put();
      })(),
    );
    expect(bench.exporter.calls.at(-1)).toBe("release");
    const [complaint] = bench.system.simulation.diagnostics.entries;
    expect([complaint?.rule, complaint?.text]).toEqual([
      "B-16",
      "released while still attached: direct, display",
    ]);
  });

  test("the last put with the reservation held is a BUG (B-13)", () => {
    const bench = new BufferBench();
    expect(() =>
      bench.run(
        (function* () {
          yield* bench.buffer.resv.lock();
          bench.buffer.put();
        })(),
      ),
    ).toThrow(/dma_resv_fini: BUG/);
  });
});

describe("SET_NAME (B-72)", () => {
  test.each(["", "x", "a".repeat(31), "\n", "ä".repeat(15), "💾".repeat(7)])("%j is a name", (name) => {
    const { buffer } = new BufferBench();
    buffer.setName("before");
    buffer.setName(name);
    expect(buffer.name).toBe(name);
  });

  test.each(["a".repeat(32), "ä".repeat(16), "€".repeat(11), "💾".repeat(8)])("%j is too long", (name) => {
    const { buffer } = new BufferBench();
    buffer.setName("before");
    expect(() => buffer.setName(name)).toThrow(
      `dma_buf_set_name: -EINVAL: "${name}" is longer than 31 bytes`,
    );
    expect(buffer.name).toBe("before");
    expect(new TextEncoder().encode(name).length).toBeGreaterThan(31);
  });

  test("also while it is attached", () => {
    const bench = new BufferBench();
    bench.run(
      (function* () {
        yield* bench.buffer.attach(bench.system.device("direct"));
        bench.buffer.setName("attached");
      })(),
    );
    expect(bench.buffer.name).toBe("attached");
  });
});

describe("mmap (B-59)", () => {
  test("without the exporter's operation it is refused and takes no reference", () => {
    const { system } = new BufferBench();
    const { map, unmap, release } = OpenExporter.prototype;
    const buffer = system.dmaBuf.export({
      exporterName: "secure",
      ops: { map, unmap, release: () => {} },
      size: 1,
    });
    void release;
    expect(() => buffer.mmap()).toThrow("dma_buf_mmap: -EINVAL: secure buffers cannot be mapped");
    expect(buffer.references).toBe(1);
  });

  test("loads and stores go to the pages behind it and take the CPU's time", () => {
    const bench = new BufferBench();
    const { buffer, system } = bench;
    bench.run(
      (function* () {
        using mapping = buffer.mmap();
        yield* mapping.write(0x1ff0, 0x20);
        const between = system.simulation.now;
        expect(between).toBeGreaterThan(0);
        yield* mapping.read();
        expect(system.simulation.now).toBeGreaterThan(between);
        mapping.unmap();
        let thrown: unknown;
        try {
          yield* mapping.read();
        } catch (error) {
          thrown = error;
        }
        expect(thrown).toBeInstanceOf(TypeError);
      })(),
    );
    const { log } = system.analysis;
    expect(log.operation(0).kind).toBe("write");
    expect([...log.extents(0).pairs]).toEqual([0x10_1ff0, 0x10_2000, 0x20_0000, 0x20_0010]);
    expect([log.operation(1).kind, log.extents(1).bytes]).toEqual(["read", pages.bytes]);
    expect(log.operation(1).route).toBe(system.cpu.route);
  });

  test("a part that is not there is a programming error", () => {
    const bench = new BufferBench();
    const mapping = bench.buffer.mmap();
    expect(() => bench.run(mapping.read(0, pages.bytes + 1))).toThrow(TypeError);
  });
});

test("errors of the kernel say which operation, which errno and why", () => {
  const { system } = new BufferBench();
  try {
    system.dmaBuf.fds.get(7);
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(KernelError);
    const { errno, operation, reason } = error as KernelError;
    expect([errno, operation, reason]).toEqual(["EBADF", "dma_buf_get", "descriptor 7 is not open"]);
  }
});
