// SPDX-License-Identifier: MIT
import { demandOptions, InputError, nearestName, type OptionRules } from "@dmabuf/core";
import type { IommuTable } from "@dmabuf/core/iommu";
import { type Granule, granuleShift } from "../lpae/granule.ts";
import { outputSizes } from "../lpae/lpae-config.ts";
import { type CommandName, commandNames } from "./command.ts";
import type { PageFault, PageResponse } from "./iopf.ts";

/** What a driver can be told to forget, to see what it is for: a command, or to clean page tables for a walker that does not snoop. */
export type SmmuV3Omission = CommandName | "table clean";

/** An SMMUv3 and its driver; what is left out is as on most. */
export interface SmmuV3Options {
  /** IDR0.COHACC: whether the SMMU snoops the CPU's caches when it reads tables (default yes). */
  readonly coherentWalk?: boolean;
  /** Stages that it has; a domain is of stage 1 where there is a choice (default both). */
  readonly stages?: readonly (1 | 2)[];
  /** Whether the kernel is a guest: its stage 1 is on top of a stage 2 of the hypervisor's, which maps memory to itself (default no). */
  readonly nested?: boolean;
  /** Granules that it knows (default all). */
  readonly granules?: readonly Granule[];
  /** Bits of an input address of stage 1, 32 to 52 (default 48). */
  readonly inputBits?: number;
  /** Bits of an output address, as IDR5.OAS can say: 32, 36, 40, 42, 44, 48 or 52 (default 44). */
  readonly outputBits?: number;
  /** Bits of a StreamID, 1 to 32 (default 16). */
  readonly streamIdBits?: number;
  /** How the stream table is laid out (default of two levels). */
  readonly streamTable?: "linear" | "two-level";
  /** Bits of a SubstreamID, the PASID, 0 to 20 (default 0, none). */
  readonly substreamBits?: number;
  /** IDR0.ASID16 and VMID16: bits of an ASID and of a VMID (default 16). */
  readonly idBits?: 8 | 16;
  /** Whether devices have ATCs, and use them (default no). */
  readonly ats?: boolean;
  /** Whether transactions that fault wait for software (default no). */
  readonly stall?: boolean;
  /** Repairs what transactions that wait need; without it they are aborted (M-54). */
  readonly onPageFault?: (faults: readonly PageFault[], domain: IommuTable) => PageResponse;
  /** IDR3.RIL: whether a TLBI can name a range (default no). */
  readonly rangeInvalidation?: boolean;
  /** Entries of the event queue, a power of two (default 128). */
  readonly eventQueue?: number;
  /** What the driver forgets (default nothing). */
  readonly omits?: readonly SmmuV3Omission[];
}

/** The options with all that was left out. */
export type SmmuV3Figures = Required<Omit<SmmuV3Options, "onPageFault">> & Pick<SmmuV3Options, "onPageFault">;

const defaults: SmmuV3Figures = {
  coherentWalk: true,
  stages: [1, 2],
  nested: false,
  granules: ["4KiB", "16KiB", "64KiB"],
  inputBits: 48,
  outputBits: 44,
  streamIdBits: 16,
  streamTable: "two-level",
  substreamBits: 0,
  idBits: 16,
  ats: false,
  stall: false,
  rangeInvalidation: false,
  eventQueue: 128,
  omits: [],
};

const rules: OptionRules<SmmuV3Options> = {
  coherentWalk: "flag",
  stages: "any",
  nested: "flag",
  granules: "any",
  inputBits: "any",
  outputBits: "any",
  streamIdBits: "any",
  streamTable: "any",
  substreamBits: "any",
  idBits: "any",
  ats: "flag",
  stall: "flag",
  onPageFault: "any",
  rangeInvalidation: "flag",
  eventQueue: "any",
  omits: "any",
};

/** Fills in what was left out. Throws `InputError` for what no SMMUv3 has; `name` is where it stands. */
export function smmuV3Figures(name: string, options: SmmuV3Options): SmmuV3Figures {
  demandOptions(name, options, rules);
  const figures = { ...defaults, ...options };
  const { stages, nested, granules, outputBits, streamTable, eventQueue, omits, idBits } = figures;
  const fail = (field: string, reason: string): never => {
    throw new InputError(`${name}.${field}`, reason);
  };
  const demandCount = (
    field: "inputBits" | "streamIdBits" | "substreamBits",
    least: number,
    most: number,
  ) => {
    const value = figures[field];
    if (!Number.isInteger(value) || value < least || value > most)
      fail(field, `${value} is not a number from ${least} to ${most}`);
  };
  if (stages.length === 0) fail("stages", "without a stage it translates nothing");
  for (const stage of stages)
    if (stage !== 1 && stage !== 2) fail("stages", `${stage} is neither stage 1 nor stage 2`);
  if (nested && stages.length < 2) fail("nested", "a guest's stage 1 on top of stage 2 needs both stages");
  if (granules.length === 0) fail("granules", "without a granule there are no tables");
  for (const granule of granules)
    if (!(granule in granuleShift))
      fail("granules", `"${granule}" is none of ${Object.keys(granuleShift).join(", ")}`);
  if (!outputSizes.includes(outputBits))
    fail("outputBits", `${outputBits} is none of ${outputSizes.join(", ")}`);
  if (streamTable !== "linear" && streamTable !== "two-level")
    fail("streamTable", `"${streamTable}" is neither linear nor two-level`);
  if (idBits !== 8 && idBits !== 16) fail("idBits", `${idBits} is neither 8 nor 16`);
  demandCount("inputBits", 32, 52);
  demandCount("streamIdBits", 1, streamTable === "linear" ? 16 : 32);
  demandCount("substreamBits", 0, 20);
  if (!Number.isInteger(Math.log2(eventQueue)) || eventQueue < 1 || eventQueue > 2 ** 19)
    fail("eventQueue", `${eventQueue} is not 1, 2, 4 ... 2^19`);
  const known: readonly string[] = [...commandNames, "table clean"];
  if (!Array.isArray(omits)) fail("omits", "a list of commands is needed");
  for (const omission of omits)
    if (!known.includes(omission))
      fail("omits", `"${omission}" is neither a command nor "table clean"${nearestName(omission, known)}`);
  return figures;
}
