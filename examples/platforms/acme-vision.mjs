// SPDX-License-Identifier: MIT
import { arm64 } from "@dmabuf/arch-arm";
import { assemble, board } from "@dmabuf/core";
import { heaps } from "@dmabuf/exporter-heaps";
import { functionfs } from "@dmabuf/importer-functionfs";
import { iio } from "@dmabuf/importer-iio";

/** A board of one's own: an ADC that snoops the CPU's cache, a USB controller and an NPU that do not. */
export const acmeVision = board({
  model: "ACME Vision",
  memory: [
    { base: 0x0, size: "2GiB" },
    { base: 0x8_0000_0000, size: "2GiB" },
  ],
  pools: [{ kind: "cma", size: "256MiB" }],
  devices: {
    adc: { class: "dma", coherent: true, port: "snoop" },
    usb0: { class: "usb", coherent: false, bandwidth: "400MiB" },
    npu: { class: "npu", coherent: false, limit: 2 ** 32 },
  },
});

/** The board with its drivers: what `dmabuf run PIPELINE --board acme-vision.ts` loads. */
export default () => assemble(acmeVision, [arm64(), heaps(), iio("adc"), functionfs("usb0")]);
