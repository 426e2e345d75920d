// SPDX-License-Identifier: MIT
import {
  type BoardDescription,
  board,
  type DeviceDescription,
  type Port,
  parseSize,
  type Size,
} from "@dmabuf/core";

/** What differs between the boards. */
interface IntelBoard {
  readonly model: string;
  readonly source: string;
  /** All RAM; what does not fit below 2 GiB lies above 4 GiB, as on machines whose PCI hole takes half of the space below. */
  readonly ram: Size;
  /** Stolen memory, at the top of RAM below 4 GiB. */
  readonly stolen: Size;
  /** Bits of a DMA address of the GPU's function. @see dma_mask_size */
  readonly dmaMask: number;
  /** How the GPU's accesses reach memory when nobody chose a cache level. */
  readonly gpu: Port;
  readonly camera: DeviceDescription;
  /** Bytes a second of the GPU. */
  readonly gpuBandwidth: Size;
  readonly cpuBandwidth: Size;
}

/** Where low RAM ends: what firmware calls the top of low usable DRAM (TOLUD). */
const LOW_END = 0x8000_0000;

/** For Linux every device on x86 is coherent; what its accesses do is its port. */
export const x86Device = (
  deviceClass: string,
  port: Port,
  rest: Partial<DeviceDescription> = {},
): DeviceDescription => ({ class: deviceClass, coherent: true, port, ...rest });

/**
 * A board with an integrated GPU. GPU and display are bus masters of one PCI function, 00:02.0: one device for Linux,
 * which knows one mask, and two ways to memory. The display never snoops, on no machine with an i915 GPU: that is why
 * i915 flushes what it scans. USB and NVMe snoop, and since direct I/O into the cache is for Xeons, their writes go to
 * memory.
 */
export function intelBoard(facts: IntelBoard): BoardDescription {
  const { model, source, ram, stolen, dmaMask, gpu, camera, gpuBandwidth, cpuBandwidth } = facts;
  const igd = { function: "0000:00:02.0", limit: 2 ** dmaMask };
  const [total, carved] = [parseSize(ram), parseSize(stolen)];
  return board({
    model,
    source,
    memory: [
      { base: 0, size: Math.min(total, LOW_END) },
      ...(total > LOW_END ? [{ base: 0x1_0000_0000, size: total - LOW_END }] : []),
    ],
    pools: [
      {
        kind: "carve-out",
        name: "stolen",
        driver: "i915",
        base: Math.min(total, LOW_END) - carved,
        size: carved,
      },
    ],
    cpuBandwidth,
    devices: {
      gpu: x86Device("gpu", gpu, { ...igd, bandwidth: gpuBandwidth }),
      display: x86Device("display", "direct", { ...igd, bandwidth: "2GiB" }),
      camera,
      usb0: x86Device("usb", "snoop", { bandwidth: "400MiB" }),
      nvme0: x86Device("storage", "snoop", { bandwidth: "1GiB" }),
    },
  });
}
