// SPDX-License-Identifier: MIT
import { InputError } from "@dmabuf/core";
import type { IommuTable } from "@dmabuf/core/iommu";
import { type Granule, granuleShift } from "../lpae/granule.ts";
import { outputSizes } from "../lpae/lpae-config.ts";
import type { ContextFaultKind } from "./fault-status.ts";
import { omissions, type SmmuV2Omission } from "./omission.ts";
import type { BypassMemory } from "./stream-map.ts";

/** A context fault, as a handler is asked about it. @see iommu_fault_handler_t */
export interface SmmuV2ContextFault {
  readonly kind: ContextFaultKind;
  /** FAR. */
  readonly address: number;
  readonly write: boolean;
  /** CBFRSYNRA: the stream id. */
  readonly stream: number;
  /** The domain that the access went through. */
  readonly domain: IommuTable;
}

/** Addresses that the bus does not let the SMMU read: from `start` on, `size` bytes. */
export interface ForbiddenMemory {
  readonly start: number;
  readonly size: number;
}

/** How an SMMUv2 is built, how its driver uses it, and what the driver forgets. */
export interface SmmuV2Options {
  /** Context banks, 1 to 128 (default 16). @see SMMU_IDR1.NUMCB */
  readonly contextBanks?: number;
  /** The first so many of those only do stage 2 (default 0). @see SMMU_IDR1.NUMS2CB */
  readonly stage2Banks?: number;
  /** Stream match registers, 1 to 128 (default 48). @see SMMU_IDR0.NUMSMRG */
  readonly streamMatches?: number;
  /** Bits of a stream id, 1 to 16 (default 15). @see SMMU_IDR0.NUMSIDB */
  readonly streamIdBits?: number;
  /** Bits of all stream ids that do not count (default 0). @see stream-match-mask in the device tree */
  readonly streamMatchMask?: number;
  /** Stages that it can do (default both). @see SMMU_IDR0.S1TS, S2TS */
  readonly stages?: readonly (1 | 2)[];
  /** The stage that domains ask for (default 1); they get the other where there is only that (M-61). */
  readonly stage?: 1 | 2;
  /** Granules that it knows (default 4 KiB and 64 KiB). @see SMMU_IDR2.PTFSv8 */
  readonly granules?: readonly Granule[];
  /** Bits of a virtual address, of an intermediate and of a physical one (default 48). @see SMMU_IDR2.UBS, IAS, OAS */
  readonly vaBits?: number;
  readonly ipaBits?: number;
  readonly paBits?: number;
  /** Whether its table walks snoop (default no). @see SMMU_IDR0.CTTW */
  readonly coherentWalk?: boolean;
  /** What becomes of a stream that no register matches (default fault). @see SMMU_sCR0.USFCFG, arm-smmu.disable_bypass */
  readonly unidentified?: "fault" | "bypass";
  /** What the S2CR says of the memory of what goes past it (default what the device says). @see SMMU_S2CRn.MTCFG, SHCFG */
  readonly bypass?: BypassMemory;
  /** Whether an access that faults stands still until the handler has looked (default no). @see SMMU_CBn_SCTLR.CFCFG */
  readonly stall?: boolean;
  /**
   * Asked about every context fault; the answer counts when it stalls. It may map what is missing and have the access tried
   * again; terminated otherwise. @see iommu_set_fault_handler
   */
  readonly onContextFault?: (fault: SmmuV2ContextFault) => "retry" | "terminate";
  /** Memory in which table walks end with an external abort (default none). */
  readonly forbidden?: readonly ForbiddenMemory[];
  /** What the driver forgets (default nothing). */
  readonly omits?: readonly SmmuV2Omission[];
}

/** The options with all that was left out. */
export type SmmuV2Figures = Required<Omit<SmmuV2Options, "bypass" | "onContextFault">> &
  Pick<SmmuV2Options, "bypass" | "onContextFault">;

const defaults: SmmuV2Figures = {
  contextBanks: 16,
  stage2Banks: 0,
  streamMatches: 48,
  streamIdBits: 15,
  streamMatchMask: 0,
  stages: [1, 2],
  stage: 1,
  granules: ["4KiB", "64KiB"],
  vaBits: 48,
  ipaBits: 48,
  paBits: 48,
  coherentWalk: false,
  unidentified: "fault",
  stall: false,
  forbidden: [],
  omits: [],
};

/** Fills in what was left out. Throws `InputError` for what no SMMUv2 has; `name` is where it stands. */
export function smmuV2Figures(name: string, options: SmmuV2Options): SmmuV2Figures {
  const figures = { ...defaults, ...options };
  const { contextBanks, stage2Banks, streamMatches, streamIdBits, streamMatchMask, stages, granules, omits } =
    figures;
  const fail = (field: string, reason: string): never => {
    throw new InputError(`${name}.${field}`, reason);
  };
  const demandCount = (field: string, value: number, least: number, most: number): void => {
    if (!Number.isInteger(value) || value < least || value > most)
      fail(field, `${value} is not a number from ${least} to ${most}`);
  };
  demandCount("contextBanks", contextBanks, 1, 128);
  demandCount("stage2Banks", stage2Banks, 0, contextBanks);
  demandCount("streamMatches", streamMatches, 1, 128);
  demandCount("streamIdBits", streamIdBits, 1, 16);
  demandCount("streamMatchMask", streamMatchMask, 0, 2 ** streamIdBits - 1);
  if (stages.length === 0) fail("stages", "without a stage it translates nothing");
  if (granules.length === 0) fail("granules", "without a granule there are no tables");
  for (const granule of granules)
    if (!(granule in granuleShift))
      fail("granules", `"${granule}" is none of ${Object.keys(granuleShift).join(", ")}`);
  for (const field of ["vaBits", "ipaBits", "paBits"] as const)
    if (!outputSizes.includes(figures[field]))
      fail(field, `${figures[field]} is none of ${outputSizes.join(", ")}`);
  for (const omission of omits)
    if (!omissions.includes(omission)) fail("omits", `"${omission}" is none of ${omissions.join(", ")}`);
  return figures;
}
