// SPDX-License-Identifier: MIT
import {
  assemble,
  type BoardDescription,
  board,
  definePlugin,
  Extents,
  type Platform,
  type Plugin,
} from "../../../src/index.ts";
import { toyArch } from "../../../src/testing.ts";
import { narrowBoard, PAGE } from "./narrow-system.ts";

/** An exporter of single pages above 4 GiB, which maps and syncs as the system heap does. */
const scattered: Plugin = definePlugin({
  name: "test/scattered",
  provides: {
    exporters: {
      scattered: ({ memory, cpu, dma, dmaBuf }) => ({
        *allocate(size) {
          const starts: number[] = [];
          for (let bytes = 0; bytes < size; bytes += PAGE)
            starts.push(memory.pages.allocatePages(0, "normal") ?? 0);
          const extents = Extents.each(
            starts,
            starts.map((start) => start + PAGE),
          );
          cpu.access("clear", extents);
          yield* cpu.settle();
          return dmaBuf.export({
            exporterName: "scattered",
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

/** The narrow board with that exporter. */
export const narrowPlatform = (changes: Partial<BoardDescription> = {}): Platform =>
  assemble(board({ ...narrowBoard, ...changes }), [toyArch(), scattered]);
