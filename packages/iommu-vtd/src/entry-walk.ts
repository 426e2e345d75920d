// SPDX-License-Identifier: MIT
import type { AddressSpace, Met } from "./address-space.ts";
import {
  CONTEXT_WORDS,
  contextWordOf,
  decodeContext,
  hasReservedContextBits,
  TranslationType,
} from "./context-entry.ts";
import { type CachedEntry, EntryCache, pasidKey } from "./entry-cache.ts";
import { byMode, type FaultCode } from "./fault-reason.ts";
import type { Descriptor } from "./invalidation-descriptor.ts";
import type { AddressWidth } from "./paging-levels.ts";
import {
  DIRECTORY_WORDS,
  decodePasid,
  directoryWordOf,
  PASID_WORDS,
  Pgtt,
  pasidTableIn,
  pasidWordOf,
} from "./pasid-entry.ts";
import { contextTableIn, hasReservedRootBits, type Mode, rootWordOf } from "./root-table.ts";
import {
  decodeScalableContext,
  SCALABLE_CONTEXT_WORDS,
  type ScalableContextEntry,
  scalableContextWordOf,
} from "./scalable-context-entry.ts";
import type { StructureMemory } from "./structure-memory.ts";

/** What the hardware is and was told. */
export interface EntryWalkOptions {
  readonly memory: StructureMemory;
  readonly mode: Mode;
  /** RTADDR_REG: where the root table is. */
  readonly rootTable: number;
  /** The widest address that it translates. */
  readonly width: AddressWidth;
  /** Caching Mode (CM): context entries that are not present are kept, too. */
  readonly cachingMode: boolean;
  /** What software left out when an entry of the caches is not that in memory. */
  readonly missing: (descriptor: Descriptor) => string;
}

/** From a source id to its address space: root entry, context entry, PASID entry (VT-d 3.4), with the caches of the last two. */
export class EntryWalk {
  readonly contexts = new EntryCache();
  readonly pasids = new EntryCache();
  readonly #options: EntryWalkOptions;

  constructor(options: EntryWalkOptions) {
    this.#options = options;
  }

  /** @param pasid what the request carries, if anything */
  meet(source: number, pasid: number | undefined): Met {
    return this.#options.mode === "legacy" ? this.#legacy(source, pasid) : this.#scalable(source, pasid);
  }

  #legacy(source: number, pasid: number | undefined): Met {
    if (pasid !== undefined) return refusal(0x31, true);
    const entry = this.#context(source, CONTEXT_WORDS, contextWordOf(source));
    if (typeof entry === "number") return refusal(entry, true);
    const missing = this.#stale(source, entry);
    const context = decodeContext(entry.words);
    if (context === null) return refusal(0x02, true, missing);
    const { faultsDisabled, type, domainId: domain, pageTable, width } = context;
    const recorded = !faultsDisabled;
    if (hasReservedContextBits(entry.words)) return refusal(0x0b, recorded, missing);
    if (type === 3 || width === null || width > this.#options.width) return refusal(0x03, recorded, missing);
    const stage = type === TranslationType.PASS_THROUGH ? null : "second-level";
    const deviceTlb = type === TranslationType.DEV_IOTLB;
    const space: AddressSpace = {
      stage,
      domain,
      pasid: null,
      pageTable,
      width,
      pageSnoop: false,
      faultsDisabled,
      deviceTlb,
    };
    return { space, fault: null, recorded, missing };
  }

  #scalable(source: number, asked: number | undefined): Met {
    const entry = this.#context(source, SCALABLE_CONTEXT_WORDS, scalableContextWordOf(source));
    if (typeof entry === "number") return refusal(entry, true);
    const missing = this.#stale(source, entry);
    const context = decodeScalableContext(entry.words);
    if (context === null) return refusal(0x41, true, missing);
    const recorded = !context.faultsDisabled;
    if (asked !== undefined && !context.pasids) return refusal(0x45, recorded, missing);
    const pasid = asked ?? context.ridPasid;
    if (pasid >= 2 ** (context.directorySize + 13)) return refusal(0x46, recorded, missing);
    return this.#pasidEntry(source, pasid, context, missing);
  }

  #pasidEntry(source: number, pasid: number, context: ScalableContextEntry, before: string | null): Met {
    const entry = this.#pasid(source, pasid, context);
    const fail = (fault: FaultCode, missing: string | null, recorded = !context.faultsDisabled): Met =>
      refusal(fault, recorded, missing);
    if (typeof entry === "number") return fail(entry, before);
    const known = decodePasid(entry.words);
    const missing = before ?? this.#stalePasid(pasid, entry);
    if (known === null) return fail(0x59, missing);
    const { faultsDisabled, type, domainId: domain, pageTable, width, pageSnoop } = known;
    const recorded = !faultsDisabled && !context.faultsDisabled;
    if (width === null || width > this.#options.width) return fail(0x5b, missing, recorded);
    // There is no nested translation here (ECAP.NEST is 0), as there are no guests.
    if (type !== Pgtt.FIRST_LEVEL && type !== Pgtt.SECOND_LEVEL && type !== Pgtt.PASS_THROUGH)
      return fail(0x5b, missing, recorded);
    const stage =
      type === Pgtt.PASS_THROUGH ? null : type === Pgtt.FIRST_LEVEL ? "first-level" : "second-level";
    const { deviceTlb } = context;
    return {
      space: { stage, domain, pasid, pageTable, width, pageSnoop, faultsDisabled: !recorded, deviceTlb },
      ...{ fault: null, recorded, missing },
    };
  }

  /** The context entry of a device, from the cache or from memory; the fault where there is none. */
  #context(source: number, words: number, at: number): CachedEntry | FaultCode {
    const known = this.contexts.find(source);
    if (known !== undefined) return known;
    const { memory, mode, rootTable, cachingMode } = this.#options;
    const scalable = mode === "scalable";
    const root = memory.fetch(rootTable, rootWordOf(source, mode), 2);
    if (root === null) return byMode(scalable, 0x08, 0x38);
    const table = contextTableIn(root);
    if (table === null) return byMode(scalable, 0x01, 0x39);
    if (hasReservedRootBits(root[0] as number)) return byMode(scalable, 0x0a, 0x3a);
    const read = memory.fetch(table, at, words);
    if (read === null) return byMode(scalable, 0x09, 0x40);
    const domain = scalable ? 0 : (decodeContext(read)?.domainId ?? 0);
    const entry = { table, at, words: read, domain };
    if (((read[0] as number) & 1) !== 0 || cachingMode) this.contexts.keep(source, entry);
    return entry;
  }

  #pasid(source: number, pasid: number, { directory }: ScalableContextEntry): CachedEntry | FaultCode {
    const key = pasidKey(source, pasid);
    const known = this.pasids.find(key);
    if (known !== undefined) return known;
    const { memory } = this.#options;
    const above = memory.fetch(directory, directoryWordOf(pasid), DIRECTORY_WORDS);
    if (above === null) return 0x50;
    const table = pasidTableIn(above);
    if (table === null) return 0x51;
    const at = pasidWordOf(pasid);
    const read = memory.fetch(table, at, PASID_WORDS);
    if (read === null) return 0x58;
    const entry = { table, at, words: read, domain: decodePasid(read)?.domainId ?? 0 };
    if (((read[0] as number) & 1) !== 0) this.pasids.keep(key, entry);
    return entry;
  }

  #stale(source: number, entry: CachedEntry): string | null {
    if (!this.#differs(entry)) return null;
    const { domain } = entry;
    return this.#options.missing({ kind: "cc_inv_dsc", granularity: "selective", domain, source });
  }

  #stalePasid(pasid: number, entry: CachedEntry): string | null {
    if (!this.#differs(entry)) return null;
    const { domain } = entry;
    return this.#options.missing({ kind: "pc_inv_dsc", granularity: "selective", domain, pasid });
  }

  #differs({ table, at, words }: CachedEntry): boolean {
    const now = this.#options.memory.peek(table, at, words.length);
    return now === null || now.some((word, i) => word !== words[i]);
  }
}

const refusal = (fault: FaultCode, recorded: boolean, missing: string | null = null): Met => ({
  space: null,
  ...{ fault, recorded, missing },
});
