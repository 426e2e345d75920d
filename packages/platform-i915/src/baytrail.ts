// SPDX-License-Identifier: MIT
import type { I915Machine } from "./i915-machine.ts";
import { intelBoard, x86Device } from "./intel-board.ts";

/**
 * Bay Trail (Valleyview): an Atom E3845, whose GPU shares no cache with the CPUs.
 *
 * - No `has_llc`, `has_snoop`, mask of 40 bits, 31 bits of address space, graphics 7: i915_pci.c, vlv_info;
 *   2 GiB of global address space, as many entries as fit into its 2 MiB of page table (gen6_gmch_probe).
 * - The GPU goes past the caches unless the page-table entry asks for a snoop.
 * - The CPUs' last level is L2, 2 x 1 MiB; Silvermont has neither CLFLUSHOPT nor CLWB: Intel's optimization manual.
 * - Camera: a snooping one, an assumption. The image processor's own driver (staging, atomisp) gives it no occasion to
 *   show it: it makes the pages of its buffers uncached (hmm_bo.c). Its mask of 32 bits is an assumption too,
 *   and the reason for 2 GiB of RAM, all of which it reaches.
 * - No VT-d: ark.intel.com.
 * - NVMe, for which there are four PCIe lanes, amounts of memory and bandwidths are assumptions.
 */
export const baytrail: I915Machine = {
  board: intelBoard({
    model: "Intel Bay Trail (Atom E3845)",
    source: "linux drivers/gpu/drm/i915/i915_pci.c; Intel optimization manual, Silvermont",
    ram: "2GiB",
    stolen: "64MiB",
    dmaMask: 40,
    gpu: "direct",
    camera: x86Device("camera", "snoop", { limit: 2 ** 32, bandwidth: "512MiB" }),
    gpuBandwidth: "4GiB",
    cpuBandwidth: "4GiB",
  }),
  cpu: { clflushopt: false, llcSize: "2MiB" },
  gpu: {
    llc: false,
    levels: { none: "direct", snooped: "snoop" },
    graphicsVersion: 7,
    ppgtt: 2 ** 31,
    ggtt: "2GiB",
    stolen: "stolen",
  },
};
