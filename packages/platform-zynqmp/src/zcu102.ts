// SPDX-License-Identifier: MIT
import { type BoardDescription, board, type DeviceDescription } from "@dmabuf/core";

/** PS masters of the low-power domain: not coherent unless the boot loader routes them through the CCI. */
const notCoherent = (deviceClass: string, rest: Partial<DeviceDescription> = {}): DeviceDescription => ({
  class: deviceClass,
  coherent: false,
  port: "direct",
  ...rest,
});

/** S_AXI_HPC: through the CCI, which snoops the A53 cluster and has no cache of its own; writes go to memory. */
const highPerformanceCoherent: DeviceDescription = { class: "dma", coherent: true, port: "snoop" };

/** S_AXI_HP: straight to the memory controller. */
const highPerformance: DeviceDescription = notCoherent("dma");

/** S_AXI_ACP: through the cluster's L2, where writes may stay. */
const acceleratorCoherency: DeviceDescription = { class: "dma", coherent: true, port: "snoop-allocate" };

/**
 * A ZCU102 with a data-acquisition design in the fabric: ADC and DAC, each with a DMA engine on HPC0 and on HP0, and a
 * second ADC on ACP. Memory map, ports and coherency are UG1085's (APU coherent interfaces, I/O coherency, master IDs)
 * and mainline's zynqmp.dtsi; limits are the drivers' DMA masks. The SMMU is off, as in the mainline device tree.
 * The CMA pool is what `cma=256M` gives; bandwidths are round numbers of what the interfaces reach.
 */
export const zcu102: BoardDescription = board({
  model: "ZynqMP ZCU102 Rev1.0",
  memory: [
    { base: 0x0, size: "2GiB" },
    { base: 0x8_0000_0000, size: "2GiB" },
  ],
  pools: [{ kind: "cma", size: "256MiB" }],
  cpuBandwidth: "4GiB",
  source: "UG1085; linux arch/arm64/boot/dts/xilinx/zynqmp.dtsi",
  devices: {
    "adc-dmac": { ...highPerformanceCoherent, bandwidth: "1GiB" },
    "dac-dmac": { ...highPerformanceCoherent, bandwidth: "1GiB" },
    "adc-hp0": { ...highPerformance, bandwidth: "2GiB" },
    "dac-hp0": { ...highPerformance, bandwidth: "2GiB" },
    "adc-acp": { ...acceleratorCoherency, bandwidth: "1GiB" },
    usb0: notCoherent("usb", { bandwidth: "400MiB" }),
    usb1: notCoherent("usb", { bandwidth: "400MiB" }),
    gem0: notCoherent("net", { limit: 2 ** 44, bandwidth: "119MiB" }),
    gem1: notCoherent("net", { limit: 2 ** 44, bandwidth: "119MiB" }),
    gem2: notCoherent("net", { limit: 2 ** 44, bandwidth: "119MiB" }),
    gem3: notCoherent("net", { limit: 2 ** 44, bandwidth: "119MiB" }),
    dp: notCoherent("display", { limit: 2 ** 44, bandwidth: "1GiB" }),
    gpu: notCoherent("gpu", { limit: 2 ** 32, bandwidth: "1GiB" }),
    sata: notCoherent("storage", { bandwidth: "550MiB" }),
    "fpd-dma": notCoherent("dma", { limit: 2 ** 44, bandwidth: "2GiB" }),
  },
});
