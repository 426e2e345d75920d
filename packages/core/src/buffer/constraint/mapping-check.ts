// SPDX-License-Identifier: MIT
import { constraintsOf, unconstrained } from "../../dma/dma-constraints.ts";
import type { SgMapping } from "../../dma/mapping.ts";
import { KernelError } from "../../error.ts";
import { Extents } from "../../memory/extents.ts";
import { refusalOf } from "./scatterlist-for.ts";

/**
 * Whether a mapping, cut where its device cannot take it as it is, has few enough segments. It looks at bus addresses: memory
 * that an IOMMU has made contiguous for its device is contiguous for it (PR-13). Throws `KernelError` EINVAL.
 */
export function checkMapping({ device, dmaAddresses, dmaLengths, nents }: SgMapping): void {
  const pairs = new Float64Array(nents * 2);
  for (let i = 0; i < nents; i++) {
    pairs[i * 2] = dmaAddresses[i] as number;
    pairs[i * 2 + 1] = (dmaAddresses[i] as number) + (dmaLengths[i] as number);
  }
  const { maxSegmentSize, segmentBoundaryMask, maxSegmentCount, contiguous } = constraintsOf(device);
  const limits = { maxSegmentSize, segmentBoundaryMask, maxSegmentCount, contiguous };
  const reason = refusalOf({ ...unconstrained, ...limits }, { extents: new Extents(pairs) });
  if (reason !== null) {
    throw new KernelError(
      "EINVAL",
      "dma_buf_map_attachment",
      `${device.name} cannot use the mapping: ${reason}`,
    );
  }
}
