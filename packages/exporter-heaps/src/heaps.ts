// SPDX-License-Identifier: MIT
import { type CoreServices, definePlugin, type Plugin } from "@dmabuf/core";
import { boardHeaps } from "./board-heaps.ts";
import type { DmaHeap } from "./dma-heap.ts";
import { HeapDirectory } from "./heap-directory.ts";

/**
 * The dma-heaps: exporters `system` (scattered pages), `cma` (contiguous, from the board's first CMA pool), and one for each
 * carve-out and each protected pool of the board, by the pool's name.
 */
export const heaps = (): Plugin =>
  definePlugin({
    name: "@dmabuf/exporter-heaps",
    provides: {
      exporters: (board) =>
        Object.fromEntries(
          [...boardHeaps(board).keys()].map((name) => [
            name,
            (services: CoreServices): DmaHeap => HeapDirectory.of(services).open(name),
          ]),
        ),
    },
  });
