// SPDX-License-Identifier: MIT
import type { CoherencyPolicy } from "../coherency-policy.ts";

/** What Linux does: maintenance at map, at unmap and in CPU brackets, where the exporter does any; none in between. */
export const kernelPolicy = (): CoherencyPolicy => ({
  name: "kernel",
  attach: () => {},
  syncsAtMap: () => true,
  beginAccess: () => {},
  endAccess: () => {},
  assumptions: () => [],
});
