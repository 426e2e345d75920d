// SPDX-License-Identifier: MIT
import { definePlugin, Extents, type Plugin } from "../../../src/index.ts";
import { PAGE } from "./narrow-system.ts";

/** Devices behind an IOMMU that came in a plug, and others of the same kind that did not. */
export const plugged = {
  plugged: { untrusted: true, class: "net" },
  snooping: { untrusted: true, coherent: true, port: "snoop" },
  lazy: { untrusted: true, iommu: "lazy" },
  inside: { class: "net" },
} as const;

/** Ranges, one an entry. */
export const entries = (...of: readonly (readonly [start: number, bytes: number])[]): Extents =>
  Extents.each(
    of.map(([start]) => start),
    of.map(([start, bytes]) => start + bytes),
  );

/** An exporter of buffers whose first and last entry are parts of pages, as what a user has pinned is. */
export const ragged: Plugin = definePlugin({
  name: "test/ragged",
  provides: {
    exporters: {
      ragged: ({ memory, cpu, dma, dmaBuf }) => ({
        *allocate(size) {
          const page = (): number => memory.pages.allocatePages(0, "normal") ?? 0;
          const [first, middle, last] = [page(), page(), page()];
          const extents = entries([first + 512, PAGE - 512], [middle, PAGE], [last, size - 2 * PAGE + 512]);
          cpu.access("clear", extents);
          yield* cpu.settle();
          return dmaBuf.export({
            exporterName: "ragged",
            size,
            ops: {
              *map(attachment, direction) {
                const skipCpuSync = !attachment.buffer.core.policy.syncsAtMap(attachment);
                yield 0;
                return dma.mapSgtable(attachment.device, extents, direction, { skipCpuSync });
              },
              *unmap(_attachment, mapping) {
                yield 0;
                dma.unmapSgtable(mapping, { skipCpuSync: mapping.skipCpuSync });
              },
              release() {},
              mmap: () => ({ extents, memoryType: "write-back" }),
            },
          });
        },
      }),
    },
  },
});
