// SPDX-License-Identifier: MIT
import type { BoardDescription } from "@dmabuf/core";
import { type MachineFacts, type SocDescription, socBoard } from "@dmabuf/devicetree";
import type { Zynq7000Options } from "./zynq7000.ts";

/** What the device trees leave out: UG585's address map, 32-bit masters, the default CMA pool. */
const zynq: SocDescription = {
  model: "Zynq-7000",
  ram: { base: 0, size: "1GiB" },
  cma: "128MiB",
  // Only ACP is coherent; what it does is said at the ZC702's.
  coherentPort: "snoop",
  masters: {
    3758104576: { name: "usb0", bits: 32, bandwidth: "40MiB" },
    3758108672: { name: "usb1", bits: 32, bandwidth: "40MiB" },
    3758141440: { name: "gem0", bits: 32, bandwidth: "119MiB" },
    3758145536: { name: "gem1", bits: 32, bandwidth: "119MiB" },
    3759144960: { name: "sd0", bits: 32, bandwidth: "23MiB" },
    3759149056: { name: "sd1", bits: 32, bandwidth: "23MiB" },
    4160761856: { name: "dmac", bits: 32, bandwidth: "512MiB" },
  },
};

/**
 * A board from a Zynq-7000 device tree: its enabled masters under the names of the hardware manual where their registers are
 * known (`usb0`, `gem0`, `sd0`, `dmac`), else under the name of their node. Coherency is what the tree says. What is in the
 * fabric is not in the tree: lay it over with `overlaid`. A tree without RAM gets 1 GiB at 0.
 */
export const zynq7000Board = (machine: MachineFacts): BoardDescription => socBoard(machine, zynq);

/** What a device tree says about the machine besides: whether Linux knows of the outer cache. */
export const zynq7000Options = ({ outerCache }: MachineFacts): Zynq7000Options => ({
  outerCache: outerCache?.compatible.includes("arm,pl310-cache") ?? false,
});
