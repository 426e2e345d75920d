// SPDX-License-Identifier: MIT
import type { Extents } from "../memory/extents.ts";
import type { DmaBuf } from "./dma-buf.ts";

/**
 * Where a buffer's memory is, as its exporter says, or as user space would see it; null as long as there is none, or where
 * nobody says.
 */
export function memoryExtents(buffer: DmaBuf): Extents | null {
  const { ops } = buffer;
  // An exporter that says where its memory is may refuse user space, or would have to allocate for it.
  if (ops.memory !== undefined) return ops.memory(buffer)?.extents ?? null;
  return ops.mmap?.(buffer).extents ?? null;
}
