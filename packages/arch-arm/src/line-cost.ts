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
