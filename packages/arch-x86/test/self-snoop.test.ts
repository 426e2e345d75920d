// SPDX-License-Identifier: MIT
// A page that one program has mapped WB and another WC: what the second sees of the first's dirty lines.
import { assemble, board, definePlugin, Extents, type Plugin, physAddr } from "@dmabuf/core";
import { expect, test } from "vitest";
import { type X86Options, x86 } from "../src/index.ts";

const machine = board({
  model: "two memory types",
  memory: [{ base: 0, size: "16MiB" }],
  devices: { nic: { class: "net", coherent: true, port: "snoop" } },
});

/** An exporter of one page, mapped as the caller asks. */
const onePage: Plugin = definePlugin({
  name: "one-page",
  provides: {
    exporters: {
      page: ({ dmaBuf, memory }) => ({
        *allocate(size) {
          yield 0;
          const start = memory.pages.allocatePages(0) ?? physAddr(0);
          const extents = Extents.of([start, start + size]);
          return dmaBuf.export({
            exporterName: "page",
            size,
            ops: {
              *map() {
                yield 0;
                throw new Error("nobody maps it for a device");
              },
              *unmap() {
                yield 0;
              },
              release() {},
              mmapTypes: ["wb", "wc"],
              mmap: (_buffer, type) => ({
                extents,
                memoryType: type === "wc" ? "write-combining" : "write-back",
              }),
            },
          });
        },
      }),
    },
  },
});

const written = (first: "wb" | "wc", options: X86Options): string[] => {
  const { findings } = assemble(machine, [x86(options), onePage]).inspect(function* (system) {
    using buffer = yield* system.exporter("page").allocate(4096);
    using one = buffer.mmap(first);
    using other = buffer.mmap(first === "wb" ? "wc" : "wb");
    yield* one.write();
    one.drain();
    yield* other.read();
  });
  return findings.map(({ code }) => code).filter((code) => code !== "missing-bracket");
};

test("a core that snoops itself sees its own dirty lines, and the page still has two types", () => {
  expect(written("wb", {})).toEqual(["memory-type-alias"]);
  expect(written("wc", {})).toEqual(["memory-type-alias"]);
});

test("one that does not reads what was in memory before, either way round", () => {
  expect(written("wb", { selfSnoop: false })).toEqual(["stale-read", "memory-type-alias"]);
  expect(written("wc", { selfSnoop: false })).toEqual(["stale-read", "memory-type-alias"]);
});
