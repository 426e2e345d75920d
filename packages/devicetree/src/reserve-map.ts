// SPDX-License-Identifier: MIT
import { numberAt } from "./cell.ts";
import { fault } from "./fault.ts";
import type { Header } from "./header.ts";

/** A range of physical addresses, `base` up to but not including `base + size`, in bytes. */
export interface MemoryRange {
  readonly base: number;
  readonly size: number;
}

/**
 * The memory reservation block: pairs of 64-bit address and size up to a pair of zeros.
 * @see Devicetree Specification 0.4, 5.3
 */
export function readReserveMap(bytes: Uint8Array, header: Header, file: string): MemoryRange[] {
  const ranges: MemoryRange[] = [];
  for (let at = header.reserveMap; ; at += 16) {
    if (at + 16 > header.totalSize) throw fault(file, at, "the memory reservation block has no end");
    const base = numberAt(bytes, at, 2);
    const size = numberAt(bytes, at + 8, 2);
    if (base === 0 && size === 0) return ranges;
    ranges.push({ base, size });
  }
}
