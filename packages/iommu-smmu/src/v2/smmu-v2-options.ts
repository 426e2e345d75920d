// SPDX-License-Identifier: MIT
import { demandOptions, InputError, type OptionRules } from "@dmabuf/core";
import type { IommuTable } from "@dmabuf/core/iommu";
import { type Granule, granuleShift } from "../lpae/granule.ts";
import { outputSizes } from "../lpae/lpae-config.ts";
import type { ContextFaultKind } from "./fault-status.ts";
import { omissions, type SmmuV2Omission } from "./omission.ts";
import { S2CR_MEMATTR, S2CR_SHCFG } from "./registers.ts";
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

const rules: OptionRules<SmmuV2Options> = {
  contextBanks: { from: 1, to: 128 },
  stage2Banks: { from: 0, to: 128 },
  streamMatches: { from: 1, to: 128 },
  streamIdBits: { from: 1, to: 16 },
  streamMatchMask: { from: 0, to: 0xffff },
  stages: { someOf: [1, 2] },
  stage: { oneOf: [1, 2] },
  granules: { someOf: Object.keys(granuleShift) },
  vaBits: { oneOf: outputSizes },
  ipaBits: { oneOf: outputSizes },
  paBits: { oneOf: outputSizes },
  coherentWalk: "flag",
  unidentified: { oneOf: ["fault", "bypass"] },
  bypass: "any",
  stall: "flag",
  onContextFault: "any",
  forbidden: "any",
  omits: { someOf: omissions },
};

const bypassRules: OptionRules<BypassMemory> = {
  type: { oneOf: Object.keys(S2CR_MEMATTR) },
  shareability: { oneOf: Object.keys(S2CR_SHCFG) },
};

/** Fills in what was left out. Throws `InputError` for what no SMMUv2 has; `name` is where it stands. */
export function smmuV2Figures(name: string, options: SmmuV2Options): SmmuV2Figures {
  demandOptions(name, options, rules);
  const figures = { ...defaults, ...options };
  const { contextBanks, stage2Banks, streamIdBits, streamMatchMask, stages, granules, bypass, forbidden } =
    figures;
  const fail = (field: string, reason: string): never => {
    throw new InputError(`${name}.${field}`, reason);
  };
  if (stage2Banks > contextBanks)
    fail("stage2Banks", `${stage2Banks} are more than the ${contextBanks} there are`);
  if (streamMatchMask >= 2 ** streamIdBits)
    fail("streamMatchMask", `${streamMatchMask} has more than the ${streamIdBits} bits of a stream id`);
  if (stages.length === 0) fail("stages", "without a stage it translates nothing");
  if (stages.length === 1 && stages[0] === 1 && stage2Banks === contextBanks)
    fail("stage2Banks", "no context bank is left for stage 1");
  if (granules.length === 0) fail("granules", "without a granule there are no tables");
  if (bypass !== undefined) demandOptions(`${name}.bypass`, bypass, bypassRules);
  if (!Array.isArray(forbidden)) fail("forbidden", "a list of ranges is needed: [{ start, size }]");
  return figures;
}
