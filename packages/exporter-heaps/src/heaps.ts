// SPDX-License-Identifier: MIT
import { definePlugin, type Plugin } from "@dmabuf/core";
import { HeapDirectory } from "./heap-directory.ts";

/** The dma-heaps: exporters `system` (scattered pages) and `cma` (contiguous, from the board's first CMA pool). */
export const heaps = (): Plugin =>
  definePlugin({
    name: "@dmabuf/exporter-heaps",
    provides: {
      exporters: {
        system: (services) => HeapDirectory.of(services).open("system"),
        cma: (services) => HeapDirectory.of(services).open("cma"),
      },
    },
  });
