// SPDX-License-Identifier: MIT

/** The k of the smallest power of two 2^k that is not less than `size`, a whole number from 1 on. @see order_base_2 */
export function orderOf(size: number): number {
  if (size <= 2 ** 31) return size === 1 ? 0 : 32 - Math.clz32(size - 1);
  return Math.ceil(Math.log2(size));
}

/** `size` rounded up to a power of two. @see roundup_pow_of_two */
export const roundUpPowerOfTwo = (size: number): number => 2 ** orderOf(size);
