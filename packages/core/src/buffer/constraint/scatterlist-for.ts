// SPDX-License-Identifier: MIT
import type { DmaConstraints } from "../../dma/dma-constraints.ts";
import { LONGEST_SEGMENT, toBoundary } from "../../dma/scatterlist/segment-limits.ts";
import { SgTable } from "../../dma/scatterlist/sg-table.ts";
import { KernelError } from "../../error.ts";
import { segmentCount } from "./conflict.ts";
import { type BufferMemory, wholeMemory } from "./memory-check.ts";

/** The pieces of memory for one importer, as addresses and bytes. */
interface Pieces {
  readonly addresses: number[];
  readonly lengths: number[];
}

/**
 * A scatterlist of memory for one importer, whose other importers may have other lists (D14): ranges are cut where they are
 * too long or cross a boundary, and never joined. Throws `KernelError` EINVAL when that makes more segments than the
 * importer takes, or when no list helps. @param offset CPU physical address - bus address, for boundaries
 */
export function scatterlistFor(constraints: DmaConstraints, memory: BufferMemory, offset = 0): SgTable {
  const pieces: Pieces = { addresses: [], lengths: [] };
  const reason = cut(constraints, memory, offset, pieces);
  if (reason !== null) throw new KernelError("EINVAL", "dma_buf_map_attachment", reason);
  return new SgTable(Float64Array.from(pieces.addresses), Uint32Array.from(pieces.lengths));
}

/** Why there is no such scatterlist, in one line; null when there is one. */
export const refusalOf = (constraints: DmaConstraints, memory: BufferMemory, offset = 0): string | null =>
  cut(constraints, memory, offset, null);

function cut(
  constraints: DmaConstraints,
  memory: BufferMemory,
  offset: number,
  pieces: Pieces | null,
): string | null {
  const [whole] = wholeMemory(constraints, memory);
  if (whole !== undefined) return whole.reason;
  const { maxSegmentSize, segmentBoundaryMask } = constraints;
  const { pairs, count } = memory.extents;
  const longest = Math.min(maxSegmentSize, LONGEST_SEGMENT);
  if (!(longest >= 1)) return `segments of at most ${maxSegmentSize} bytes hold nothing`;
  const most = segmentCount(constraints);
  let segments = 0;
  for (let i = 0; i < count; i++) {
    const end = pairs[i * 2 + 1] as number;
    for (let at = pairs[i * 2] as number; at < end; ) {
      const length = Math.min(end - at, longest, toBoundary(at - offset, segmentBoundaryMask));
      if (++segments > most) {
        const is = count === 1 ? "one range" : `${count} ranges`;
        const takes = `${most} ${most === 1 ? "segment" : "segments"} of at most ${longest} bytes`;
        return `the memory is ${is}, more than ${takes}`;
      }
      pieces?.addresses.push(at);
      pieces?.lengths.push(length);
      at += length;
    }
  }
  return null;
}
