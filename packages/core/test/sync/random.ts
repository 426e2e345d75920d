// SPDX-License-Identifier: MIT

/** Marsaglia's 32-bit xorshift: whole numbers below `below`, the same ones for the same seed. */
export function xorshift(seed: number): (below: number) => number {
  let state = seed | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
