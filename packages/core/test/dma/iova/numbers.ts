// SPDX-License-Identifier: MIT

/** Random numbers below 2^32 for one long run: fast-check draws the seed, since it cannot shrink such a run anyway. */
export function numbers(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
