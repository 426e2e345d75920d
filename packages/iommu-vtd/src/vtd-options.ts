// SPDX-License-Identifier: MIT
import { demandOptions, InputError, type OptionRules, parseSize, type Size } from "@dmabuf/core";
import type { Stage } from "./address-space.ts";
import { type IgfxQuirk, igfxQuirks } from "./igfx-quirk.ts";
import type { AddressWidth, Superpage } from "./paging-levels.ts";
import type { Mode } from "./root-table.ts";

/**
 * Something that this driver forgets, by the specification's names: invalidation descriptors, the wait for them, the flush of what
 * a walker does not snoop, or that tables have changed as well as leaves.
 */
export type Omission =
  | "cc_inv_dsc"
  | "pc_inv_dsc"
  | "iotlb_inv_dsc"
  | "p_iotlb_inv_dsc"
  | "dev_tlb_inv_dsc"
  | "p_dev_tlb_inv_dsc"
  | "inv_wait_dsc"
  | "clflush"
  | "IH=0";

/** Memory that firmware goes on using for devices (RMRR): mapped to itself for them. */
export interface ReservedMemory {
  /** Requester ids of the devices. */
  readonly ids: readonly number[];
  readonly base: number;
  readonly size: Size;
}

/** What differs between remapping units, and between drivers. All may be left out. */
export interface VtdOptions {
  /** Requester ids (bus << 8 | device << 3 | function) that it is for; default all (INCLUDE_PCI_ALL). */
  readonly scope?: readonly number[];
  /** Default `legacy`; `scalable` where it can (SMTS) and the kernel wants to (`intel_iommu=sm_on`). */
  readonly mode?: Mode;
  /** Tables that domains have in scalable mode; default `first-level`, as in Linux. In legacy mode there is only second-level. */
  readonly stage?: Stage;
  /** Bits of an address that it translates (SAGAW); default 48. */
  readonly addressWidth?: AddressWidth;
  /** Bits of an address that comes out (HAW); default 46. */
  readonly hostAddressWidth?: number;
  /** Pages beyond 4 KiB (SLLPS, FL1GP); default both. */
  readonly superpages?: readonly Superpage[];
  /** Whether it can make requests snoop that ask for no snoop (SC); default yes. */
  readonly snoopControl?: boolean;
  /**
   * When it does: in domains on which somebody has enforced it, as from Linux 5.19 on (`enforced`, default); or for all that is
   * mapped cacheable, as before (`cacheable`, IOMMU_CACHE; M-71).
   */
  readonly snoop?: "enforced" | "cacheable";
  /** Whether its walks snoop the CPU's caches (C); default no, as in clients: then the driver flushes what it writes. */
  readonly coherentWalk?: boolean;
  /** Whether it keeps what is not present as well, as virtual ones do (CM); default no. */
  readonly cachingMode?: boolean;
  /** Whether it can forget single pages (PSI); default yes. */
  readonly pageSelective?: boolean;
  /** Number of domain ids (ND); default 65536. The first two are not for domains. */
  readonly domainIds?: number;
  /** Number of fault recording registers (NFR); default 1. */
  readonly faultRegisters?: number;
  /** Devices that keep translations (ATS), by requester id; default none. */
  readonly deviceTlb?: readonly number[];
  readonly rmrr?: readonly ReservedMemory[];
  /** Whether the kernel leaves it off, as one for graphics alone (`intel_iommu=igfx_off`); default no. */
  readonly igfxOff?: boolean;
  /** The graphics generation, where that alone makes the kernel leave it off or flush strictly; default none. */
  readonly igfxQuirk?: IgfxQuirk;
  /** What this driver forgets; default nothing. */
  readonly omits?: readonly Omission[];
}

/** The options with nothing left out. */
export interface VtdSettings extends Required<Omit<VtdOptions, "scope" | "rmrr" | "igfxOff" | "igfxQuirk">> {
  readonly scope: readonly number[] | null;
  readonly rmrr: readonly {
    readonly ids: readonly number[];
    readonly start: number;
    readonly size: number;
  }[];
  /** Whether it does not translate at all. */
  readonly off: boolean;
  /** Whether nothing is flushed lazily. */
  readonly strict: boolean;
}

/** All that a driver can forget. */
const omissions: readonly Omission[] = [
  ...(["cc_inv_dsc", "pc_inv_dsc", "iotlb_inv_dsc", "p_iotlb_inv_dsc", "dev_tlb_inv_dsc"] as const),
  ...(["p_dev_tlb_inv_dsc", "inv_wait_dsc", "clflush", "IH=0"] as const),
];

const rules: OptionRules<VtdOptions> = {
  scope: "any",
  mode: { oneOf: ["legacy", "scalable"] },
  stage: { oneOf: ["first-level", "second-level"] },
  addressWidth: { oneOf: [39, 48, 57] },
  hostAddressWidth: { from: 32, to: 52 },
  superpages: { someOf: ["2MiB", "1GiB"] },
  snoopControl: "flag",
  snoop: { oneOf: ["enforced", "cacheable"] },
  coherentWalk: "flag",
  cachingMode: "flag",
  pageSelective: "flag",
  domainIds: { from: 16, to: 65536 },
  faultRegisters: { from: 1, to: 256 },
  deviceTlb: "any",
  rmrr: "any",
  igfxOff: "flag",
  igfxQuirk: { oneOf: Object.keys(igfxQuirks) },
  omits: { someOf: omissions },
};

/** Fills in what was left out. Throws `InputError` for what no hardware has; `name` is where it stands. */
export function settingsOf(name: string, options: VtdOptions): VtdSettings {
  demandOptions(name, options, rules);
  const {
    scope = null,
    mode = "legacy",
    stage = mode === "legacy" ? "second-level" : "first-level",
  } = options;
  const { addressWidth = 48, hostAddressWidth = 46, domainIds = 65536, faultRegisters = 1 } = options;
  const { igfxOff = false, igfxQuirk, rmrr = [], deviceTlb = [] } = options;
  const fail = (reason: string): never => {
    throw new InputError(name, reason);
  };
  if (mode === "legacy" && stage === "first-level") fail("first-level tables need scalable mode");
  if (stage === "first-level" && addressWidth === 39)
    fail("first-level tables translate 48 or 57 bits, not 39");
  const reserved = rmrr.map(({ ids, base, size }, i) => {
    const bytes = parseSize(size, `${name}: rmrr[${i}].size`);
    if (!(base >= 0) || base % 4096 !== 0 || bytes % 4096 !== 0 || bytes === 0)
      fail(`rmrr[${i}] is not made of whole pages: base 0x${base.toString(16)}, ${bytes} bytes`);
    return { ids, start: base, size: bytes };
  });
  for (const id of [...(scope ?? []), ...deviceTlb, ...reserved.flatMap(({ ids }) => ids)])
    if (!Number.isInteger(id) || id < 0 || id > 0xffff) fail(`${id} is no requester id, which has 16 bits`);
  const quirk = igfxQuirk === undefined ? null : igfxQuirks[igfxQuirk];
  const { superpages = ["2MiB", "1GiB"], snoopControl = true, snoop = "enforced", omits = [] } = options;
  const { coherentWalk = false, cachingMode = false, pageSelective = true } = options;
  return {
    ...{ scope, mode, stage, addressWidth, hostAddressWidth, superpages, snoopControl, snoop, coherentWalk },
    ...{ cachingMode, pageSelective, domainIds, faultRegisters, deviceTlb, rmrr: reserved, omits },
    off: igfxOff || quirk === "off",
    strict: quirk === "strict",
  };
}
