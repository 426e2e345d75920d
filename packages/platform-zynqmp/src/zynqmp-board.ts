// SPDX-License-Identifier: MIT
import type { BoardDescription } from "@dmabuf/core";
import { type MachineFacts, type SocDescription, socBoard } from "@dmabuf/devicetree";

/** What the device trees leave out: UG1085's address map, and the DMA masks of the drivers. */
const zynqUltraScale: SocDescription = {
  model: "Zynq UltraScale+",
  ram: { base: 0, size: "2GiB" },
  cma: "256MiB",
  // Through the CCI, which snoops and keeps nothing.
  coherentPort: "snoop",
  masters: {
    4263510016: { name: "usb0", bandwidth: "400MiB" },
    4264558592: { name: "usb1", bandwidth: "400MiB" },
    4278910976: { name: "gem0", bits: 44, bandwidth: "119MiB" },
    4278976512: { name: "gem1", bits: 44, bandwidth: "119MiB" },
    4279042048: { name: "gem2", bits: 44, bandwidth: "119MiB" },
    4279107584: { name: "gem3", bits: 44, bandwidth: "119MiB" },
    4249485312: { name: "dp", bits: 44 },
    4249616384: { name: "dpdma", bits: 44 },
    4249550848: { name: "gpu", bits: 32 },
    4245422080: { name: "sata", bandwidth: "550MiB" },
    4245553152: { name: "pcie" },
    4249878528: { name: "fpd-dma", bits: 44, bandwidth: "2GiB" },
    4279631872: { name: "sd0" },
    4279697408: { name: "sd1" },
  },
};

/**
 * A board from a Zynq UltraScale+ device tree: its enabled masters under the names of the hardware manual where their
 * registers are known (`usb0`, `gem3`, `dp`), else under the name of their node. Coherency is what the tree says; a
 * coherent master of the processing system goes through the CCI, which snoops and keeps nothing. What is in the fabric
 * is not in the tree: lay it over with `overlaid`. A tree without RAM gets the 2 GiB that every board has at 0.
 */
export const zynqmpBoard = (machine: MachineFacts): BoardDescription => socBoard(machine, zynqUltraScale);
