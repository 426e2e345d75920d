// SPDX-License-Identifier: MIT
import { CONTEXT_WORDS, contextWordOf, decodeContext } from "./context-entry.ts";
import { type CachedEntry, EntryCache, pasidKey } from "./entry-cache.ts";
import { byMode, type FaultCode } from "./fault-reason.ts";
import type { Descriptor } from "./invalidation-descriptor.ts";
import {
  DIRECTORY_WORDS,
  decodePasid,
  directoryWordOf,
  PASID_WORDS,
  pasidTableIn,
  pasidWordOf,
} from "./pasid-entry.ts";
import { contextTableIn, hasReservedRootBits, type Mode, rootWordOf } from "./root-table.ts";
import { SCALABLE_CONTEXT_WORDS, scalableContextWordOf } from "./scalable-context-entry.ts";
import type { StructureMemory } from "./structure-memory.ts";

/** What the hardware is and was told. */
export interface EntryFetchOptions {
  readonly memory: StructureMemory;
  readonly mode: Mode;
  /** RTADDR_REG: where the root table is. */
  readonly rootTable: number;
  /** Caching Mode (CM): context entries that are not present are kept, too. */
  readonly cachingMode: boolean;
  /** What software left out when an entry of the caches is not that in memory. */
  readonly missing: (descriptor: Descriptor) => string;
}

/** Reads context and PASID entries, out of their caches or by the pointers of the tables above (VT-d 3.4, 6.2). */
export class EntryFetch {
  readonly contexts = new EntryCache();
  readonly pasids = new EntryCache();
  readonly #options: EntryFetchOptions;

  constructor(options: EntryFetchOptions) {
    this.#options = options;
  }

  /** The context entry of a device; a code where a table above says that there is none. */
  context(source: number): CachedEntry | FaultCode {
    const known = this.contexts.find(source);
    if (known !== undefined) return known;
    const { memory, mode, rootTable, cachingMode } = this.#options;
    const scalable = mode === "scalable";
    const root = memory.fetch(rootTable, rootWordOf(source, mode), 2);
    if (root === null) return byMode(scalable, 0x08, 0x38);
    const table = contextTableIn(root);
    if (table === null) return byMode(scalable, 0x01, 0x39);
    if (hasReservedRootBits(root[0] as number)) return byMode(scalable, 0x0a, 0x3a);
    const at = scalable ? scalableContextWordOf(source) : contextWordOf(source);
    const words = memory.fetch(table, at, scalable ? SCALABLE_CONTEXT_WORDS : CONTEXT_WORDS);
    if (words === null) return byMode(scalable, 0x09, 0x40);
    const domain = scalable ? 0 : (decodeContext(words)?.domainId ?? 0);
    const entry = { table, at, words, domain };
    if (isPresent(words) || cachingMode) this.contexts.keep(source, entry);
    return entry;
  }

  /** The entry of a PASID of a device, below its directory; a code where the directory says that there is none. */
  pasid(source: number, pasid: number, directory: number): CachedEntry | FaultCode {
    const key = pasidKey(source, pasid);
    const known = this.pasids.find(key);
    if (known !== undefined) return known;
    const { memory } = this.#options;
    const above = memory.fetch(directory, directoryWordOf(pasid), DIRECTORY_WORDS);
    if (above === null) return 0x50;
    const table = pasidTableIn(above);
    if (table === null) return 0x51;
    const at = pasidWordOf(pasid);
    const words = memory.fetch(table, at, PASID_WORDS);
    if (words === null) return 0x58;
    const entry = { table, at, words, domain: decodePasid(words)?.domainId ?? 0 };
    if (isPresent(words)) this.pasids.keep(key, entry);
    return entry;
  }

  /** What software left out, if a context entry in memory says something else by now; else null. */
  staleContext(source: number, entry: CachedEntry): string | null {
    if (!this.#differs(entry)) return null;
    const { domain } = entry;
    return this.#options.missing({ kind: "cc_inv_dsc", granularity: "selective", domain, source });
  }

  /** As `staleContext`, of a PASID's entry. */
  stalePasid(pasid: number, entry: CachedEntry): string | null {
    if (!this.#differs(entry)) return null;
    const { domain } = entry;
    return this.#options.missing({ kind: "pc_inv_dsc", granularity: "selective", domain, pasid });
  }

  #differs({ table, at, words }: CachedEntry): boolean {
    const now = this.#options.memory.peek(table, at, words.length);
    return now === null || now.some((word, i) => word !== words[i]);
  }
}

/** P, the lowest bit of all of them. */
const isPresent = (words: Uint32Array): boolean => ((words[0] as number) & 1) !== 0;
