// SPDX-License-Identifier: MIT
import { directionOf } from "../../dma/direction.ts";
import type { DmaApi } from "../../dma/dma-api.ts";
import type { Attachment } from "../attachment.ts";
import type { CoherencyPolicy, Transfer } from "../coherency-policy.ts";
import type { DmaBuf } from "../dma-buf.ts";

/**
 * Koenig's first answer of 2024 (D42): the device that is not coherent exports the buffer, and its driver, which then
 * is the exporter, syncs around each of its own operations. A buffer has one exporter, so a second device that is not
 * coherent is nobody's concern.
 */
export function exporterSyncPolicy(dma: DmaApi): CoherencyPolicy {
  const exporter = (buffer: DmaBuf): Attachment | undefined =>
    buffer.attachments.find(({ device }) => !device.coherent);
  const isExporter = (attachment: Attachment): boolean => {
    const first = exporter(attachment.buffer);
    return !attachment.device.coherent && (first === undefined || first.device === attachment.device);
  };
  const direction = ({ kind }: Transfer) => directionOf(kind === "read", kind === "write");
  return {
    name: "exporter-sync",
    attach: () => {},
    syncsAtMap: isExporter,
    beginAccess(transfer) {
      const { attachment, mapping } = transfer;
      if (attachment === null || mapping === null || !isExporter(attachment)) return;
      dma.syncSgtableForDevice(mapping, direction(transfer));
    },
    endAccess(transfer) {
      const { attachment, mapping } = transfer;
      if (attachment === null || mapping === null || !isExporter(attachment)) return;
      dma.syncSgtableForCpu(mapping, direction(transfer));
    },
    assumptions(buffer) {
      const first = exporter(buffer)?.device.name;
      if (first === undefined) return ["exporter-sync: every device is coherent, so no device has to export"];
      const others = buffer.attachments
        .map(({ device }) => device)
        .filter((device, i, all) => !device.coherent && device.name !== first && all.indexOf(device) === i);
      const needs = `exporter-sync: needs ${first} to export the buffer and to sync around each of its transfers`;
      if (others.length === 0) return [needs];
      return [
        needs,
        `exporter-sync: ${others.map(({ name }) => name).join(", ")} cannot export it as well, nobody syncs for it`,
      ];
    },
  };
}
