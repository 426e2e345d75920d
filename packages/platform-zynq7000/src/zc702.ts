// SPDX-License-Identifier: MIT
import { type BoardDescription, board, type DeviceDescription } from "@dmabuf/core";

/** What every master here is: 32 bits of addresses (UG585, system addresses). */
const limit = 2 ** 32;

/** A master of the processing system, and S_AXI_HP: to the DDR controller, past the SCU and both caches. */
const direct = (deviceClass: string, bandwidth: string): DeviceDescription => ({
  class: deviceClass,
  coherent: false,
  port: "direct",
  limit,
  bandwidth,
});

/**
 * S_AXI_ACP: through the SCU. A read is answered by an L1 that has the line; a write has the line cleaned and invalidated in
 * L1 and goes on to the outer cache, so the L1 never keeps it: it snoops there, and does not allocate. Whether the outer
 * cache keeps it is up to AWCACHE (Arm DDI 0407, ACP requests; UG585 3.5.1).
 */
const acceleratorCoherency: DeviceDescription = {
  class: "dma",
  coherent: true,
  port: "snoop",
  limit,
  bandwidth: "1GiB",
};

/**
 * A ZC702 with a data-acquisition design in the fabric: ADC and DAC, each with a DMA engine on HP0 and on ACP. The memory is
 * the board's device tree's, masters and ports are UG585's. The CMA pool is what `cma=128M` gives; bandwidths are round
 * numbers of what the interfaces reach.
 */
export const zc702: BoardDescription = board({
  model: "Zynq ZC702",
  memory: [{ base: 0x0, size: "1GiB" }],
  pools: [{ kind: "cma", size: "128MiB" }],
  cpuBandwidth: "1GiB",
  source: "UG585; linux arch/arm/boot/dts/xilinx/zynq-zc702.dts",
  devices: {
    "adc-hp0": direct("dma", "1GiB"),
    "dac-hp0": direct("dma", "1GiB"),
    "adc-acp": acceleratorCoherency,
    "dac-acp": acceleratorCoherency,
    usb0: direct("usb", "40MiB"),
    gem0: direct("net", "119MiB"),
    sd0: direct("storage", "23MiB"),
    dmac: direct("dma", "512MiB"),
  },
});
