// SPDX-License-Identifier: MIT
import { address, bits, Layout } from "./layout.ts";

/** A page request in the PRI queue: 16 bytes (M-55). @see Arm IHI 0070, 8.1 */
export const PAGE_REQUEST = new Layout("page request", 4, {
  StreamID: bits(31, 0),
  SubstreamID: bits(51, 32),
  /** A privileged access. */
  U: bits(58),
  X: bits(59),
  W: bits(61),
  R: bits(60),
  /** The last request of its group. */
  L: bits(62),
  SSV: bits(63),
  PRGIndex: bits(72, 64),
  Address: address(127, 76, 12),
});

/** Words of a page request. */
export const PAGE_REQUEST_WORDS = 4;
