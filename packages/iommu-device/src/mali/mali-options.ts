// SPDX-License-Identifier: MIT
import type { OptionRules } from "@dmabuf/core";

/**
 * What a Mali driver can forget: commands to an address space, or the clean of a descriptor for a GPU that does not snoop.
 */
export type MaliOmission =
  | "AS_COMMAND_FLUSH_PT"
  | "AS_COMMAND_FLUSH_MEM"
  | "AS_COMMAND_UPDATE"
  | "dma_sync_single_for_device";

/** What kind of GPU it is. */
export interface MaliOptions {
  /** Address spaces that it has registers for (`as_present`); default 8. */
  readonly slots?: number;
  /** Whether its table walker snoops the CPU's caches (`coherent_walk`); default no. */
  readonly coherentWalk?: boolean;
  /** What the driver forgets; default nothing. */
  readonly omits?: readonly MaliOmission[];
}

/** What each can be. */
export const maliRules: OptionRules<MaliOptions> = {
  slots: { from: 1, to: 16 },
  coherentWalk: "flag",
  omits: {
    someOf: [
      "AS_COMMAND_FLUSH_PT",
      "AS_COMMAND_FLUSH_MEM",
      "AS_COMMAND_UPDATE",
      "dma_sync_single_for_device",
    ],
  },
};
