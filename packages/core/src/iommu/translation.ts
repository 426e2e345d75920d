// SPDX-License-Identifier: MIT

/** Which of a device's accesses look into the CPU's caches: those that the device wants to, all of them, or none. */
export type Snooping = "device" | "always" | "never";

/** What becomes of one access of a device. */
export interface Translation {
  /** Why it is refused, in the architecture's words; null when it gets through. */
  readonly fault: string | null;
  /** Where it gets to: a physical address, or what the next IOMMU on the way is asked for. */
  readonly address: number;
  /** The first input address from there on for which this does not hold any more. */
  readonly end: number;
  readonly snooping: Snooping;
  /**
   * For an answer that the tables do not give any more: the instruction or command that software has left out,
   * `"CMD_TLBI_NH_VA of 0x1000 for ASID 1, CMD_SYNC"`. Null for an answer that is right.
   */
  readonly missing: string | null;
  /** Whether it ends inside of the device, in memory of the device's own: nothing behind is asked. Default no. */
  readonly inside?: boolean;
  /** The PASID or SubstreamID that it carries from there on; default the one that it came with. */
  readonly substream?: number;
}

/** What stands between a device and the bus, as its accesses meet it. */
export interface DeviceTranslation {
  /**
   * Lets one access through, or refuses it.
   * @param access flags of `IommuProt`: `READ`, `WRITE` or both, and `PRIV` when it is privileged
   * @param substream the PASID or SubstreamID that it carries; default none
   */
  translate(address: number, access: number, substream?: number): Translation;
}

/** The answer to an access that is refused. */
export const refused = (fault: string, address: number, missing: string | null = null): Translation => ({
  fault,
  address,
  end: address,
  snooping: "device",
  missing,
});

/** The answer to an access that nothing translates: it goes where it says. */
export const untranslated = (address: number, snooping: Snooping = "device"): Translation => ({
  fault: null,
  address,
  end: Number.POSITIVE_INFINITY,
  snooping,
  missing: null,
});

/**
 * An engine of a device at work for somebody: its accesses carry his PASID or SubstreamID, at the address that they had. In the place
 * of an MMU of the device's own, for a device that has several address spaces in the IOMMU on the bus (D23).
 */
export const carrying = (substream: number): DeviceTranslation => ({
  translate: (address) => ({ ...untranslated(address), substream }),
});
