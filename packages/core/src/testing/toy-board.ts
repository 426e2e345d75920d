// SPDX-License-Identifier: MIT
import type { BoardDescription } from "../platform/board.ts";

/**
 * The board of the suites: 64 MiB in two banks, the upper half of the second one a CMA pool, so that using up all of it
 * takes no time; a device for each kind of coherency, and `far`, whose window shows it none of the memory.
 */
export const toyBoard: BoardDescription = {
  model: "toy",
  memory: [
    { base: 0, size: "32MiB" },
    { base: 0x7000_0000, size: "32MiB" },
  ],
  pools: [{ kind: "cma", size: "16MiB" }],
  devices: {
    direct: { class: "dma", coherent: false },
    display: { class: "display", coherent: false },
    snooping: { class: "dma", coherent: true },
    far: { class: "dma", coherent: false, offset: 2 ** 40 },
  },
};
