// SPDX-License-Identifier: MIT
import type { AnalysisMachine } from "../../coherency/analysis-machine.ts";
import type { MaintenanceCost } from "../../coherency/maintenance-cost.ts";
import { nextMaintenance } from "../../coherency/next-maintenance.ts";
import type { Cpu } from "../../dma/cpu.ts";
import { directionOf, dmaDirections } from "../../dma/direction.ts";
import { dmaSyncDeviceToDevice, dmaTrack } from "../../dma/dma-trace.ts";
import type { CoherencyPolicy } from "../coherency-policy.ts";

/**
 * Koenig's second answer of 2024 (D42): the DMA layer syncs from device to device and does what the two devices
 * involved need. It knows what happened to the buffer, so it does the least that makes the next transfer safe. What bounces
 * is maintained in its bounce buffer, and not copied.
 */
export function deviceToDevicePolicy(
  machine: AnalysisMachine,
  cpu: Cpu,
  cost: MaintenanceCost,
): CoherencyPolicy {
  return {
    name: "device-to-device",
    attach: () => {},
    syncsAtMap: () => false,
    beginAccess({ buffer, device, mapping, kind, extents, route }) {
      const { trace } = buffer.core.simulation;
      trace.emit(dmaTrack, buffer.ino);
      const placement = mapping?.placement ?? null;
      // Where nothing bounces it is the memory itself, at whatever address the device uses.
      const parts =
        placement === null || placement.bounced === null
          ? [{ route, extents }]
          : placement.reached(extents, route, { kind, offset: 0, event: -1 });
      const steps = parts.flatMap(
        (part) => nextMaintenance(machine, part.route, kind, part.extents, cost).steps,
      );
      if (steps.length === 0) return;
      const direction = dmaDirections.indexOf(directionOf(kind === "read", kind === "write"));
      const first = mapping?.dmaAddresses[0] ?? extents.addressAt(0);
      const name = trace.intern(device.name);
      const event = trace.emit(dmaSyncDeviceToDevice, name, first, extents.bytes, direction);
      const owed = steps.map((step) => ({
        kind: step.kind,
        domain: step.domain.name,
        extents: step.extents,
      }));
      cpu.maintain(owed, event);
    },
    endAccess: () => {},
    assumptions: () => [
      "device-to-device: the DMA layer knows every access to the buffer, which 6.12 does not track",
    ],
  };
}
