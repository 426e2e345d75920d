// SPDX-License-Identifier: MIT
import { arm64 } from "@dmabuf/arch-arm";
import { assemble, type BoardDescription, board, type DeviceDescription, type Platform } from "@dmabuf/core";
import { heaps } from "@dmabuf/exporter-heaps";
import { udmabuf } from "@dmabuf/exporter-udmabuf";

function toyBoard(model: string, device: DeviceDescription): BoardDescription {
  return board({
    model,
    memory: [{ base: 0, size: "1GiB" }],
    pools: [{ kind: "cma", size: "64MiB" }],
    devices: { a: device, b: device, c: device },
  });
}

/** Devices `a`, `b` and `c` snoop the CPU's cache, and their writes drop its lines and go to memory. */
export const coherentBoard: BoardDescription = toyBoard("toy, fully coherent", {
  class: "dma",
  coherent: true,
  port: "snoop",
});

/** Devices `a`, `b` and `c` go straight to memory, as on most phones and boards. */
export const noncoherentBoard: BoardDescription = toyBoard("toy, fully non-coherent", {
  class: "dma",
  coherent: false,
  port: "direct",
});

/** The board on which the CPU and every device are coherent; exporters `udmabuf`, `system`, `cma`. */
export const coherent = (): Platform => assemble(coherentBoard, [arm64(), udmabuf(), heaps()]);

/** The board on which no device is coherent with the CPU; exporters `udmabuf`, `system`, `cma`. */
export const noncoherent = (): Platform => assemble(noncoherentBoard, [arm64(), udmabuf(), heaps()]);
