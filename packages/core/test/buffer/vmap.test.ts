// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { assemble, board, KernelError, type Process, type System } from "../../src/index.ts";
import { toyArch } from "../../src/testing/toy-arch.ts";
import { pagePlugin } from "../testing/page-exporter.ts";
import { type TypedBuffer, typedExporter } from "../testing/typed-exporter.ts";

const platform = assemble(
  board({
    model: "vmap",
    memory: [{ base: 0, size: "16MiB" }],
    devices: { direct: { class: "dma", coherent: false } },
  }),
  [toyArch(), typedExporter(), pagePlugin()],
);
const findings = (process: (system: System) => Process): readonly string[] =>
  platform.inspect(process).findings.map(({ code, message }) => `${code}: ${message}`);

describe("a kernel mapping", () => {
  it("is counted, and goes with its last user (B-55, B-56)", () => {
    const found = findings(function* (system) {
      using buffer = yield* system.exporter("typed").allocate(8192);
      const ops = buffer.ops as TypedBuffer;
      const first = yield* buffer.vmapUnlocked();
      const second = yield* buffer.vmapUnlocked();
      expect(second).toBe(first);
      yield* buffer.beginCpuAccess("bidirectional");
      yield* first.write();
      yield* first.read(4096, 100);
      yield* buffer.endCpuAccess("bidirectional");
      yield* buffer.vunmapUnlocked(first);
      expect(ops.vunmaps).toBe(0);
      yield* buffer.vunmapUnlocked(second);
      expect(ops.vunmaps).toBe(1);
      const again = yield* buffer.vmapUnlocked();
      expect(again.address).not.toBe(first.address);
      yield* buffer.vunmapUnlocked(again);
    });
    expect(found).toEqual([]);
  });

  it("does not exist where the exporter has no vmap (B-55)", () => {
    const refused = platform.simulate(function* (system) {
      using buffer = yield* system.exporter("page").allocate(4096);
      try {
        yield* buffer.vmapUnlocked();
      } catch (error) {
        return error;
      }
      return null;
    });
    expect(refused).toBeInstanceOf(KernelError);
    expect(refused).toMatchObject({ errno: "EINVAL", operation: "dma_buf_vmap" });
  });

  it("is a BUG to unmap when it is not there (B-56)", () => {
    const found = findings(function* (system) {
      using buffer = yield* system.exporter("typed").allocate(4096);
      const mapping = yield* buffer.vmapUnlocked();
      yield* buffer.vunmapUnlocked(mapping);
      yield* buffer.vunmapUnlocked(mapping);
    });
    expect(found.some((text) => text.includes("B-56"))).toBe(true);
  });

  it("needs the reservation, which its plain calls do not take (B-55)", () => {
    const found = findings(function* (system) {
      using buffer = yield* system.exporter("typed").allocate(4096);
      const mapping = yield* buffer.vmap();
      yield* buffer.vunmapUnlocked(mapping);
    });
    expect(found.some((text) => text.includes("B-55"))).toBe(true);
  });

  it("is not used after its end", () => {
    expect(() =>
      platform.simulate(function* (system) {
        using buffer = yield* system.exporter("typed").allocate(4096);
        const mapping = yield* buffer.vmapUnlocked();
        yield* buffer.vunmapUnlocked(mapping);
        yield* mapping.read();
      }),
    ).toThrow("not mapped any more");
  });
});
