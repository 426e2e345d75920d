// SPDX-License-Identifier: MIT
import type { AddressSpace, Met } from "./address-space.ts";
import { decodeContext, hasReservedContextBits, TranslationType } from "./context-entry.ts";
import type { EntryFetch } from "./entry-fetch.ts";
import type { FaultCode } from "./fault-reason.ts";
import type { AddressWidth } from "./paging-levels.ts";
import { decodePasid, Pgtt } from "./pasid-entry.ts";
import type { Mode } from "./root-table.ts";
import { decodeScalableContext, type ScalableContextEntry } from "./scalable-context-entry.ts";

/** From a source id to its address space: by its context entry, and in scalable mode by a PASID's (VT-d 3.4). */
export class EntryWalk {
  readonly #fetch: EntryFetch;
  readonly #mode: Mode;
  readonly #width: AddressWidth;

  /** @param width the widest address that hardware translates */
  constructor(fetch: EntryFetch, mode: Mode, width: AddressWidth) {
    this.#fetch = fetch;
    this.#mode = mode;
    this.#width = width;
  }

  /** @param pasid what the request carries, if anything */
  meet(source: number, pasid: number | undefined): Met {
    return this.#mode === "legacy" ? this.#legacy(source, pasid) : this.#scalable(source, pasid);
  }

  #legacy(source: number, carried: number | undefined): Met {
    if (carried !== undefined) return refusal(0x31, true);
    const entry = this.#fetch.context(source);
    if (typeof entry === "number") return refusal(entry, true);
    const missing = this.#fetch.staleContext(source, entry);
    const context = decodeContext(entry.words);
    if (context === null) return refusal(0x02, true, missing);
    const { faultsDisabled, type, domainId: domain, pageTable, width } = context;
    const recorded = !faultsDisabled;
    if (hasReservedContextBits(entry.words)) return refusal(0x0b, recorded, missing);
    if (type === 3 || width === null || width > this.#width) return refusal(0x03, recorded, missing);
    const stage = type === TranslationType.PASS_THROUGH ? null : "second-level";
    const deviceTlb = type === TranslationType.DEV_IOTLB;
    const space: AddressSpace = { stage, domain, pasid: null, pageTable, width, pageSnoop: false, deviceTlb };
    return { space, fault: null, recorded, missing };
  }

  #scalable(source: number, carried: number | undefined): Met {
    const entry = this.#fetch.context(source);
    if (typeof entry === "number") return refusal(entry, true);
    const missing = this.#fetch.staleContext(source, entry);
    const context = decodeScalableContext(entry.words);
    if (context === null) return refusal(0x41, true, missing);
    const recorded = !context.faultsDisabled;
    if (carried !== undefined && !context.pasids) return refusal(0x45, recorded, missing);
    const pasid = carried ?? context.ridPasid;
    if (pasid >= 2 ** (context.directorySize + 13)) return refusal(0x46, recorded, missing);
    return this.#ofPasid(source, pasid, context, missing);
  }

  #ofPasid(source: number, pasid: number, context: ScalableContextEntry, before: string | null): Met {
    const { directory, deviceTlb } = context;
    const entry = this.#fetch.pasid(source, pasid, directory);
    if (typeof entry === "number") return refusal(entry, !context.faultsDisabled, before);
    const missing = before ?? this.#fetch.stalePasid(pasid, entry);
    const known = decodePasid(entry.words);
    if (known === null) return refusal(0x59, !context.faultsDisabled, missing);
    const { faultsDisabled, type, domainId: domain, pageTable, width, pageSnoop } = known;
    const recorded = !faultsDisabled && !context.faultsDisabled;
    const stage = stageOf(type);
    if (stage === undefined || width === null || width > this.#width) return refusal(0x5b, recorded, missing);
    const space: AddressSpace = { stage, domain, pasid, pageTable, width, pageSnoop, deviceTlb };
    return { space, fault: null, recorded, missing };
  }
}

/** Which tables a PGTT asks for, null for none. Nested translation there is not (ECAP.NEST is 0), as there are no guests. */
function stageOf(type: number): AddressSpace["stage"] | undefined {
  if (type === Pgtt.PASS_THROUGH) return null;
  if (type === Pgtt.FIRST_LEVEL) return "first-level";
  return type === Pgtt.SECOND_LEVEL ? "second-level" : undefined;
}

const refusal = (fault: FaultCode, recorded: boolean, missing: string | null = null): Met => ({
  space: null,
  ...{ fault, recorded, missing },
});
