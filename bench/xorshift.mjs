// SPDX-License-Identifier: MIT

/** Marsaglia's 32-bit xorshift: the same numbers as peers/xorshift.h. Returns the next number at each call. */
export function xorshift(seed) {
  let state = seed | 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
