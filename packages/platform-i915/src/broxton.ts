// SPDX-License-Identifier: MIT
import type { I915Machine } from "./i915-machine.ts";
import { intelBoard, x86Device } from "./intel-board.ts";

/**
 * Broxton, sold as Apollo Lake: a Pentium N4200, whose GPU shares no cache with the CPUs.
 *
 * - No `has_llc`, `has_snoop`, mask of 39 bits, 48 bits of address space, graphics 9: i915_pci.c, GEN9_LP_FEATURES.
 * - The GPU goes past the caches unless the page-table entry asks for a snoop.
 * - The CPUs' last level is L2, 2 x 1 MiB; Goldmont has CLFLUSHOPT and no CLWB: Intel's optimization manual.
 * - Camera: the IPU4 does not snoop. Its driver, out of the tree, shares its DMA code with the IPU6's, which flushes every
 *   buffer by itself (ipu-dma.c). The mask of 39 bits is an assumption.
 * - VT-d: CAP and ECAP of both units are those of Skylake's: what Linux prints at boot.
 * - Amounts of memory and bandwidths are assumptions.
 */
export const broxton: I915Machine = {
  board: intelBoard({
    model: "Intel Broxton (Pentium N4200)",
    source: "linux drivers/gpu/drm/i915/i915_pci.c; Intel optimization manual, Goldmont",
    ram: "8GiB",
    stolen: "64MiB",
    dmaMask: 39,
    gpu: "direct",
    camera: x86Device("camera", "direct", { limit: 2 ** 39, bandwidth: "1GiB" }),
    gpuBandwidth: "8GiB",
    cpuBandwidth: "6GiB",
  }),
  cpu: { llcSize: "2MiB" },
  gpu: {
    llc: false,
    levels: { none: "direct", snooped: "snoop" },
    graphicsVersion: 9,
    ppgtt: 2 ** 48,
    stolen: "stolen",
  },
  dmar: {
    graphics: { hostAddressWidth: 39, domainIds: 256, snoopControl: false, pageSelective: false },
    rest: { hostAddressWidth: 39, domainIds: 256 },
    ids: { camera: 0x18, usb0: 0xa8, nvme0: 0x100 },
  },
};
