// SPDX-License-Identifier: MIT
import type { I915Machine } from "./i915-machine.ts";
import { intelBoard, x86Device } from "./intel-board.ts";

/**
 * Skylake: a Core i7-6770HQ, whose GPU (GT4e) shares the CPUs' last-level cache.
 *
 * - `has_llc`, no `has_snoop`, mask of 39 bits, 48 bits of address space, graphics 9: i915_pci.c, GEN9_FEATURES.
 * - Every access of the GPU looks into the shared cache, under `none` too; `none` does not allocate there, `llc` does.
 * - `wt`: HAS_WT is HAS_EDRAM (i915_drv.h), and this part has 128 MiB of eDRAM; a Skylake without, and most are, lacks `wt`.
 * - The last-level cache is 6 MiB; CLFLUSHOPT, no CLWB: ark.intel.com, and CPUID of client Skylake.
 * - Camera: the IPU3's CIO2 has a mask of 39 bits (ipu3-cio2.h). That its data snoops is an assumption: its driver uses the
 *   DMA API, which maintains nothing on x86, and never flushes; only the page tables of the image processor behind it
 *   are kept uncached (ipu3-mmu.c), so those are not looked up in the caches.
 * - VT-d: the graphics unit has CAP 1c0000c40660462 and ECAP 7e3ff0505e, the other one d2008c40660462 and f050da: what Linux
 *   prints at boot. 48 bits in, 39 out; neither walks coherently, and the graphics unit has neither Snoop Control nor
 *   page-selective invalidation.
 * - Amounts of memory and bandwidths are assumptions, round numbers; bandwidths move the cost, never a verdict.
 */
export const skylake: I915Machine = {
  board: intelBoard({
    model: "Intel Skylake (Core i7-6770HQ)",
    source: "linux drivers/gpu/drm/i915/{i915_pci.c,i915_drv.h}, drivers/media/pci/intel/ipu3; ark.intel.com",
    ram: "16GiB",
    stolen: "64MiB",
    dmaMask: 39,
    gpu: "snoop-allocate",
    camera: x86Device("camera", "snoop", { limit: 2 ** 39, bandwidth: "1GiB" }),
    gpuBandwidth: "16GiB",
    cpuBandwidth: "10GiB",
  }),
  cpu: { llcSize: "6MiB" },
  gpu: {
    llc: true,
    levels: { none: "snoop", llc: "snoop-allocate", wt: "snoop" },
    graphicsVersion: 9,
    ppgtt: 2 ** 48,
    stolen: "stolen",
  },
  dmar: {
    graphics: { hostAddressWidth: 39, domainIds: 256, snoopControl: false, pageSelective: false },
    rest: { hostAddressWidth: 39, domainIds: 256 },
    ids: { camera: 0xa3, usb0: 0xa0, nvme0: 0x100 },
  },
};
