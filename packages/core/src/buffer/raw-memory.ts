// SPDX-License-Identifier: MIT
import { PAGE_SIZE } from "../address.ts";
import { sgFromExtents } from "../dma/scatterlist/from-extents.ts";
import type { SgTable } from "../dma/scatterlist/sg-table.ts";
import { KernelError } from "../error.ts";
import type { BufferMemory } from "./constraint/memory-check.ts";
import type { DmaBuf } from "./dma-buf.ts";

/**
 * The buffer's memory as the CPU addresses it, mapped for nobody: what was proposed for importers that map by themselves, and refused
 * (PR-20, D19). The reservation must be held, and the answer is good only while it is, or while the buffer is mapped or
 * pinned. Throws `KernelError` EINVAL where the exporter does not say, has no memory yet, or has some without struct pages
 * or private to somebody.
 */
export function getScatterlist(buffer: DmaBuf): SgTable {
  const { extents, structPages = true } = rawMemory(buffer, "dma_buf_get_scatterlist");
  if (!structPages) {
    const reason = `the memory of ${buffer.exporterName} has no struct pages`;
    throw new KernelError("EINVAL", "dma_buf_get_scatterlist", reason);
  }
  return sgFromExtents(extents);
}

/**
 * The page frame numbers of the buffer's memory in buffer order; those of memory without struct pages too. The reservation
 * must be held, and the answer lasts as long as with `getScatterlist`. Throws `KernelError` EINVAL as that does, and for
 * memory that is not whole pages.
 */
export function getPfns(buffer: DmaBuf): Float64Array {
  const { extents } = rawMemory(buffer, "dma_buf_get_pfns");
  if (!extents.isAligned(PAGE_SIZE)) {
    throw new KernelError("EINVAL", "dma_buf_get_pfns", "the memory is not whole pages");
  }
  const frames = new Float64Array(extents.bytes / PAGE_SIZE);
  for (let i = 0, at = 0; i < extents.count; i++) {
    const end = extents.pairs[i * 2 + 1] as number;
    for (let page = extents.pairs[i * 2] as number; page < end; page += PAGE_SIZE) {
      frames[at++] = page / PAGE_SIZE;
    }
  }
  return frames;
}

function rawMemory(buffer: DmaBuf, operation: string): BufferMemory {
  buffer.resv.assertHeld("PR-20", operation);
  const refuse = (reason: string): never => {
    throw new KernelError("EINVAL", operation, reason);
  };
  const { ops, exporterName } = buffer;
  if (ops.memory === undefined) return refuse(`${exporterName} does not say where its memory is`);
  const memory = ops.memory(buffer);
  if (memory === null) return refuse(`${exporterName} has allocated no memory yet`);
  const { trustId = null } = memory;
  return trustId === null ? memory : refuse(`the memory is private to ${trustId}`);
}
