// SPDX-License-Identifier: MIT
import { definePlugin, type Extents, type Plugin } from "../../../src/index.ts";

/** Where a buffer of `size` bytes lies, in pages that `page` takes. */
type Layout = (page: () => number, size: number) => Extents;

/** An exporter whose buffers lie as they are told to, which maps and syncs as the system heap does. */
export const laidOutExporter = (name: string, layout: Layout): Plugin =>
  definePlugin({
    name: `test/${name}`,
    provides: {
      exporters: {
        [name]: ({ memory, cpu, dma, dmaBuf }) => ({
          *allocate(size) {
            const extents = layout(() => memory.pages.allocatePages(0, "normal") ?? 0, size);
            cpu.access("clear", extents);
            yield* cpu.settle();
            return dmaBuf.export({
              exporterName: name,
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
