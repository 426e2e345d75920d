// SPDX-License-Identifier: MIT
import type { Granule } from "../lpae/granule.ts";
import { outputSizes } from "../lpae/lpae-config.ts";
import type { CommandName } from "./command.ts";

/** What a driver can forget: a command, or to clean the page tables for a walker that does not snoop. */
export type Omission = CommandName | "table clean";

/** An SMMUv3 and its driver; each is the most usual when it is left out. */
export interface SmmuV3Options {
  /** IDR0.COHACC: whether the SMMU snoops the CPU's caches when it reads tables; default yes. */
  readonly coherentWalk?: boolean;
  /** Stages that it has; a domain is of stage 1 where there is a choice. Default both. */
  readonly stages?: readonly ("stage-1" | "stage-2")[];
  /** Whether the kernel is a guest: its stage 1 is on top of a stage 2 of the hypervisor's, which maps memory to itself. */
  readonly nested?: boolean;
  /** Granules that it knows; default all. */
  readonly granules?: readonly Granule[];
  /** Bits of an input address of stage 1, 32 to 52; default 48. */
  readonly inputBits?: number;
  /** Bits of an output address, as IDR5.OAS can say: 32, 36, 40, 42, 44, 48 or 52; default 44. */
  readonly outputBits?: number;
  /** Bits of a StreamID, at most 32; default 16. */
  readonly streamIdBits?: number;
  /** How the stream table is laid out; default of two levels. */
  readonly streamTable?: "linear" | "two-level";
  /** Bits of a SubstreamID, the PASID, at most 20; default 0, none. */
  readonly substreamBits?: number;
  /** Whether devices have ATCs, and use them; default no. */
  readonly ats?: boolean;
  /** Whether transactions that fault can wait for software; default no. */
  readonly stall?: boolean;
  /** IDR3.RIL: whether a TLBI can name a range; default no. */
  readonly rangeInvalidation?: boolean;
  /** Entries of the event queue, a power of two; default 128. */
  readonly eventQueue?: number;
  /** What the driver forgets, to see it found; default nothing. */
  readonly omits?: readonly Omission[];
}

/** All options, those that were left out as well. */
export type CompleteOptions = Required<SmmuV3Options>;

const defaults: CompleteOptions = {
  coherentWalk: true,
  stages: ["stage-1", "stage-2"],
  nested: false,
  granules: ["4KiB", "16KiB", "64KiB"],
  inputBits: 48,
  outputBits: 44,
  streamIdBits: 16,
  streamTable: "two-level",
  substreamBits: 0,
  ats: false,
  stall: false,
  rangeInvalidation: false,
  eventQueue: 128,
  omits: [],
};

/** The options with what was left out. Throws `TypeError` for one that no SMMUv3 has. */
export function completeOptions(name: string, options: SmmuV3Options): CompleteOptions {
  const complete = { ...defaults, ...options };
  const { stages, nested, granules, inputBits, outputBits, streamIdBits, substreamBits } = complete;
  const fail = (field: string, reason: string): never => {
    throw new TypeError(`smmuV3 ${name}: ${field}: ${reason}`);
  };
  if (stages.length === 0) fail("stages", "an SMMU has stage 1, stage 2 or both");
  if (nested && stages.length < 2) fail("nested", "that needs both stages");
  if (granules.length === 0) fail("granules", "an SMMU knows at least one");
  if (inputBits < 32 || inputBits > 52) fail("inputBits", `${inputBits} is not 32 to 52`);
  if (!outputSizes.includes(outputBits))
    fail("outputBits", `${outputBits} is none of ${outputSizes.join(", ")}`);
  if (streamIdBits < 1 || streamIdBits > 32) fail("streamIdBits", `${streamIdBits} is not 1 to 32`);
  if (substreamBits < 0 || substreamBits > 20) fail("substreamBits", `${substreamBits} is not 0 to 20`);
  return complete;
}
