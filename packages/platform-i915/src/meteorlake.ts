// SPDX-License-Identifier: MIT
import type { I915Machine } from "./i915-machine.ts";
import { intelBoard, x86Device } from "./intel-board.ts";

/**
 * Meteor Lake: a Core Ultra 7 155H. The CPUs have a last-level cache, which the GPU, on a tile of its own, does not share.
 *
 * - No `has_llc`, `has_snoop`, mask of 46 bits, 48 bits of address space, graphics 12.70: i915_pci.c, mtl_info.
 * - `snooped` is the one-way coherent entry of its page attribute table: the GPU looks into the CPUs' caches, and they not
 *   into its own, which a job flushes when it ends. The two-way coherent one is left out, as i915 uses it by itself
 *   for no object: MTL_CACHELEVEL. HAS_WT is HAS_EDRAM, which it has not.
 * - There is no aperture: its place shows stolen memory (gen8_gmch_probe, HAS_LMEMBAR_SMEM_STOLEN).
 * - The last-level cache is 24 MiB: ark.intel.com; CLFLUSHOPT and CLWB: Intel's optimization manual, of both kinds of core.
 * - Camera: the IPU6 does not snoop; its driver flushes every buffer by itself (ipu6-dma.c). The mask of 39 bits is an
 *   assumption.
 * - VT-d: CAP c9de008cee690462, ECAP 12ca9a00f0ef5e for graphics and 12ca9a00f0efde for the rest, what Linux prints at boot: 48
 *   bits in, 42 out, no coherent walks, scalable mode; the graphics unit has no Snoop Control.
 * - Amounts of memory and bandwidths are assumptions.
 */
export const meteorlake: I915Machine = {
  board: intelBoard({
    model: "Intel Meteor Lake (Core Ultra 7 155H)",
    source: "linux drivers/gpu/drm/i915/i915_pci.c, drivers/media/pci/intel/ipu6/ipu6-dma.c; ark.intel.com",
    ram: "32GiB",
    stolen: "128MiB",
    dmaMask: 46,
    gpu: "direct",
    camera: x86Device("camera", "direct", { limit: 2 ** 39, bandwidth: "2GiB" }),
    gpuBandwidth: "32GiB",
    cpuBandwidth: "16GiB",
  }),
  cpu: { clwb: true, llcSize: "24MiB" },
  gpu: {
    llc: false,
    levels: { none: "direct", snooped: "snoop" },
    graphicsVersion: 12.7,
    ppgtt: 2 ** 48,
    aperture: 0,
    stolen: "stolen",
  },
  dmar: {
    graphics: { mode: "scalable", hostAddressWidth: 42, domainIds: 256, snoopControl: false },
    rest: { mode: "scalable", hostAddressWidth: 42, domainIds: 256 },
    ids: { camera: 0x28, usb0: 0xa0, nvme0: 0x100 },
  },
};
