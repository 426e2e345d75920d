// SPDX-License-Identifier: MIT
import type { PageBlock } from "./invalidation-descriptor.ts";

const PAGE = 2 ** 12;

/**
 * The smallest block of 2^AM pages, aligned to its size, that a range is in: what a page-selective invalidation of it must name
 * (VT-d 6.5.2.3; M-72); of an empty range its page. @see calculate_psi_aligned_address
 */
export function blockAround(address: number, size: number): PageBlock {
  let mask = 0;
  let first = Math.floor(address / PAGE);
  let last = Math.max(first, Math.floor((address + size - 1) / PAGE));
  while (first !== last) {
    first = Math.floor(first / 2);
    last = Math.floor(last / 2);
    mask++;
  }
  return { address: first * PAGE * 2 ** mask, mask };
}

/** Bytes of a block. */
export const blockSize = ({ mask }: PageBlock): number => PAGE * 2 ** mask;
