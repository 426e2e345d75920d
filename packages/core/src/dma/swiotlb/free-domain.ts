// SPDX-License-Identifier: MIT
import { KernelError } from "../../error.ts";
import { Extents } from "../../memory/extents.ts";
import type { MapRequest } from "../backend/dma-backend.ts";
import type { BounceDomain } from "./bounce-domain.ts";
import type { DeviceBouncing } from "./swiotlb.ts";
import type { TakenSlots } from "./take-slots.ts";

/**
 * A domain of the device's in which no byte of these has a bounce buffer yet. Throws `KernelError` EOPNOTSUPP where there
 * is none: one copy more could not be told from the others.
 */
export function freeDomain(
  { device, operation }: MapRequest,
  { domains }: DeviceBouncing,
  taken: readonly TakenSlots[],
): BounceDomain {
  const sorted = taken.map(({ bounce }) => bounce).sort((a, b) => a.original - b.original);
  const ranges = sorted.map(({ original, size }) => [original, original + size] as const);
  const twice = ranges.some(([start], i) => i > 0 && start < (ranges[i - 1] as readonly [number, number])[1]);
  const extents = Extents.of(...ranges);
  const free = twice ? undefined : domains.find((domain) => !domain.overlaps(extents));
  if (free !== undefined) return free;
  const reason = `${device.name} bounces part of this memory already; the kernel would copy it once more, and the model tells ${domains.length} of its copies apart`;
  throw new KernelError("EOPNOTSUPP", operation, reason);
}
