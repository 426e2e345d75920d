// SPDX-License-Identifier: MIT
import type { Placement } from "./dma-backend.ts";
import type { BusStretch } from "./translated-reach.ts";

/** The bus addresses of `length` bytes of a mapping from `offset` on, in order. */
export function* busStretches(
  { dmaAddresses, dmaLengths, nents }: Pick<Placement, "dmaAddresses" | "dmaLengths" | "nents">,
  offset: number,
  length: number,
): Generator<BusStretch, void, undefined> {
  let [skip, left] = [offset, length];
  for (let i = 0; i < nents && left > 0; i++) {
    const held = dmaLengths[i] as number;
    if (skip >= held) {
      skip -= held;
      continue;
    }
    const taken = Math.min(held - skip, left);
    yield { address: (dmaAddresses[i] as number) + skip, length: taken };
    left -= taken;
    skip = 0;
  }
}
