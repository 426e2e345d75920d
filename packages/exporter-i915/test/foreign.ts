// SPDX-License-Identifier: MIT
import { type DmaBuf, type DmaBufOps, Extents, type SgMapping, type System } from "@dmabuf/core";

/** A buffer of somebody else's, of two pages in one piece. */
export function foreignBuffer({ dma, dmaBuf }: System, size = 8192): DmaBuf {
  const extents = Extents.of([0x30_0000, 0x30_2000]);
  const ops: DmaBufOps = {
    *map({ device }, direction) {
      return dma.mapSgtable(device, extents, direction, { skipCpuSync: true });
    },
    *unmap(_attachment, mapping: SgMapping) {
      dma.unmapSgtable(mapping, { skipCpuSync: true });
    },
    release() {},
  };
  return dmaBuf.export({ exporterName: "somebody", ops, size });
}
