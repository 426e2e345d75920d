// SPDX-License-Identifier: MIT
// The dma-heaps: `@dmabuf/exporter-heaps`.
export { DmaHeap, type HeapAllocate, type HeapAllocation } from "./dma-heap.ts";
export { HeapDirectory } from "./heap-directory.ts";
export { heaps } from "./heaps.ts";
