// SPDX-License-Identifier: MIT
import { tracepoint } from "@dmabuf/core/sim";

/** The SMMU consumed a command; the words as they are in the queue. */
export const commandConsumed = tracepoint(
  "arm_smmu_v3",
  "command",
  ["smmu", "string"],
  ["name", "string"],
  ["word0", "address"],
  ["word1", "address"],
  ["word2", "address"],
  ["word3", "address"],
);

/** The SMMU recorded an event; `lost` when there was no room for it. */
export const eventRecorded = tracepoint(
  "arm_smmu_v3",
  "event",
  ["smmu", "string"],
  ["name", "string"],
  ["sid", "address"],
  ["ssid", "address"],
  ["address", "address"],
  ["stag", "number"],
  ["lost", "boolean"],
);

/** A device asked for a page; `lost` when there was no room for it. */
export const pageRequested = tracepoint(
  "arm_smmu_v3",
  "page_request",
  ["smmu", "string"],
  ["sid", "address"],
  ["address", "address"],
  ["group", "number"],
  ["last", "boolean"],
  ["lost", "boolean"],
);

/** The SMMU stopped at a command: CMDQ_CONS.ERR. */
export const commandError = tracepoint(
  "arm_smmu_v3",
  "command_error",
  ["smmu", "string"],
  ["error", "string"],
);
