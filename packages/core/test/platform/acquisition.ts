// SPDX-License-Identifier: MIT
import {
  assemble,
  type BoardDescription,
  board,
  definePlugin,
  Extents,
  PAGE_SIZE,
  type Platform,
  type Plugin,
} from "../../src/index.ts";
import { toyArch } from "../../src/testing.ts";

/** A small board with a device of each kind. */
const acquisitionBoard: BoardDescription = board({
  model: "acquisition",
  memory: [{ base: 0, size: "64MiB" }],
  devices: {
    snoop: { class: "dma", coherent: true, port: "snoop" },
    snoop2: { class: "dma", coherent: true, port: "snoop" },
    allocate: { class: "dma", coherent: true, port: "snoop-allocate" },
    direct: { class: "usb", coherent: false },
    direct2: { class: "usb", coherent: false },
    liar: { class: "dma", coherent: true, port: "direct" },
    low: { class: "gpu", coherent: false, limit: PAGE_SIZE },
  },
});

/** An exporter of zeroed pages that syncs like the system heap, or like udmabuf not at all when it maps. */
const pages = (name: string, syncs: boolean): Plugin =>
  definePlugin({
    name: `test/${name}`,
    provides: {
      exporters: {
        [name]: ({ memory, cpu, dma, dmaBuf }) => ({
          *allocate(size) {
            const starts: number[] = [];
            for (let bytes = 0; bytes < size; bytes += PAGE_SIZE) {
              starts.push(memory.pages.allocatePages(0) ?? 0);
            }
            const extents = Extents.of(...starts.map((start) => [start, start + PAGE_SIZE] as const));
            cpu.access("clear", extents);
            yield* cpu.settle();
            const mappings = () => [...dma.live].filter((mapping) => mapping.extents === extents);
            return dmaBuf.export({
              exporterName: name,
              size,
              ops: {
                *map(attachment, direction) {
                  const skipCpuSync = !syncs || !attachment.buffer.core.policy.syncsAtMap(attachment);
                  yield 0;
                  return dma.mapSgtable(attachment.device, extents, direction, { skipCpuSync });
                },
                *unmap(_attachment, mapping) {
                  yield 0;
                  dma.unmapSgtable(mapping, { skipCpuSync: mapping.skipCpuSync });
                },
                release() {},
                mmap: () => ({ extents, memoryType: "write-back" }),
                *beginCpuAccess(_buffer, direction) {
                  yield 0;
                  for (const mapping of mappings()) dma.syncSgtableForCpu(mapping, direction);
                },
                *endCpuAccess(_buffer, direction) {
                  yield 0;
                  for (const mapping of mappings()) dma.syncSgtableForDevice(mapping, direction);
                },
              },
            });
          },
        }),
      },
    },
  });

/** The board with the exporters `syncing` and `skipping`, and an architecture. */
export const acquisition = (arch: Plugin = toyArch()): Platform =>
  assemble(acquisitionBoard, [arch, pages("syncing", true), pages("skipping", false)]);
