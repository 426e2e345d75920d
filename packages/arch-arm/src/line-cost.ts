// SPDX-License-Identifier: MIT
import type { MaintenanceKind } from "@dmabuf/core/coherency";

/** ns of CPU time for one cache line, by kind of maintenance. */
export type LineCost = Readonly<Record<MaintenanceKind, number>>;

/**
 * An estimate for a Cortex-A53 at 1.2 GHz, the core and clock of a ZCU102: an assumption, no measurement. One operation is
 * one lookup in L2, taken as 15 core cycles, because the loop waits for all of them at its barrier and hides little;
 * `clean` adds part of a write to memory, since some of a buffer's lines are dirty; `flush` is one instruction (`DC CIVAC`)
 * that does both and costs little more than `clean`. Nobody seems to have published times a line; what is published
 * (maintenance of scatterlists of 4 KiB entries is two thirds faster when the barriers are batched, Song 2025,
 * linux-arm-kernel "dma-mapping: arm64: support batched cache sync") says that short entries cost more than this.
 * Comparisons between policies rest on the ratios; measure your machine and pass `lineCost` for times that count.
 */
export const cortexA53LineCost: LineCost = { clean: 14, invalidate: 12, flush: 16 };

/**
 * An estimate for the L1 of a Cortex-A9 at 667 MHz, the core and clock of a ZC702: an assumption, no measurement. One
 * operation is one lookup in L1, sent to the other cores as well, taken as 8 core cycles; `clean` adds part of a write to
 * the outer cache or to memory, `flush` is one instruction (`DCCIMVAC`) that does both.
 */
export const cortexA9LineCost: LineCost = { clean: 15, invalidate: 12, flush: 17 };

/**
 * An estimate for a PL310 beside that Cortex-A9: an assumption, no measurement. The controller is told of each line by a
 * write to one of its registers, which is device memory, and by its manual (Arm DDI 0246, cache maintenance operations) an
 * operation on a line by physical address stalls its slave ports until it is complete. So nothing overlaps, and a line is
 * one trip to a register, taken as 60 core cycles; `clean` and `flush` add part of a write to memory.
 */
export const pl310LineCost: LineCost = { clean: 100, invalidate: 90, flush: 105 };

/**
 * An estimate for an ARM926EJ-S at 400 MHz: an assumption, no measurement. One operation is a step of a loop of four
 * instructions, taken as 6 core cycles; `clean` and `flush` add part of a write through a buffer of a few words.
 */
export const arm926LineCost: LineCost = { clean: 25, invalidate: 15, flush: 28 };

/**
 * A line's cost with some of it replaced. Throws `TypeError`, with `place` in front, for a time that is not more than 0 ns.
 */
export function lineCostOf(place: string, estimate: LineCost, measured: Partial<LineCost>): LineCost {
  const cost = { ...estimate, ...measured };
  for (const [kind, ns] of Object.entries(cost)) {
    if (!(ns > 0 && ns < Number.POSITIVE_INFINITY)) {
      throw new TypeError(`${place}: ${ns} ns for the ${kind} of a line is not a positive time`);
    }
  }
  return cost;
}
