// SPDX-License-Identifier: MIT
import type { CoherencyPolicy } from "../buffer/coherency-policy.ts";
import { beginEndAccessPolicy } from "../buffer/policy/begin-end-access.ts";
import { deviceToDevicePolicy } from "../buffer/policy/device-to-device.ts";
import { exporterSyncPolicy } from "../buffer/policy/exporter-sync.ts";
import { kernelPolicy } from "../buffer/policy/kernel.ts";
import { rejectAtAttachPolicy } from "../buffer/policy/reject-at-attach.ts";
import type { AnalysisMachine } from "../coherency/analysis-machine.ts";
import type { Cpu } from "../dma/cpu.ts";
import type { DmaApi } from "../dma/dma-api.ts";

/** The answers to the question of who keeps devices coherent, in the order in which comparisons list them. */
export const coherencyChoices = [
  "kernel",
  "exporter-sync",
  "begin-end-access",
  "device-to-device",
  "reject-at-attach",
] as const;

/** One of {@link coherencyChoices}. */
export type CoherencyChoice = (typeof coherencyChoices)[number];

/** The policy of that name. */
export function policyNamed(
  choice: CoherencyChoice,
  machine: AnalysisMachine,
  dma: DmaApi,
  cpu: Cpu,
): CoherencyPolicy {
  switch (choice) {
    case "kernel":
      return kernelPolicy();
    case "exporter-sync":
      return exporterSyncPolicy(dma);
    case "begin-end-access":
      return beginEndAccessPolicy(dma);
    case "device-to-device":
      return deviceToDevicePolicy(machine, cpu, cpu.maintenanceCost);
    case "reject-at-attach":
      return rejectAtAttachPolicy();
  }
}
