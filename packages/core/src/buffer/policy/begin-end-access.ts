// SPDX-License-Identifier: MIT

import { directionOf } from "../../dma/direction.ts";
import type { DmaApi } from "../../dma/dma-api.ts";
import type { CoherencyPolicy, Transfer } from "../coherency-policy.ts";

/**
 * Cercueil's access brackets of 2024 (PR-1 to PR-5): mapping costs no maintenance; every transfer hands the memory to
 * its device and back to the CPU, which for a coherent device does nothing. Nobody asks what the next device is. The
 * exporter's own device is not attached, so nobody brackets its accesses.
 */
export function beginEndAccessPolicy(dma: DmaApi): CoherencyPolicy {
  const direction = ({ kind }: Transfer) => directionOf(kind === "read", kind === "write");
  return {
    name: "begin-end-access",
    attach: () => {},
    syncsAtMap: () => false,
    beginAccess(transfer) {
      if (transfer.mapping !== null) dma.syncSgtableForDevice(transfer.mapping, direction(transfer));
    },
    endAccess(transfer) {
      if (transfer.mapping !== null) dma.syncSgtableForCpu(transfer.mapping, direction(transfer));
    },
    assumptions: () => [
      "begin-end-access: every exporter and importer calls the access brackets, which 6.12 lacks",
    ],
  };
}
