// SPDX-License-Identifier: MIT
import { ConfigurationCache } from "./configuration-cache.ts";
import type { Fault } from "./fault.ts";
import { PendingInvalidations } from "./pending-invalidations.ts";
import type { SmmuFeatures } from "./smmu-features.ts";
import { isSame, missingCommands } from "./staleness.ts";
import type { StreamTable } from "./stream-table.ts";
import type { StructureMemory } from "./structure-memory.ts";
import type { Transaction } from "./transaction.ts";
import { TranslationCaches } from "./translation-caches.ts";
import { type Outcome, type Remembered, Translator } from "./translator.ts";

/** What an SMMU answers out of what it remembers, and what it would answer out of memory. */
export class Lookups {
  /** SMMU_STRTAB_BASE. */
  table: StreamTable = { address: 0, log2Size: 0, split: null };
  readonly remembered: Remembered = {
    configuration: new ConfigurationCache(),
    translations: new TranslationCaches(),
  };
  readonly pending = new PendingInvalidations();
  readonly memory: StructureMemory;
  readonly #translator: Translator;

  constructor(memory: StructureMemory, features: SmmuFeatures) {
    this.memory = memory;
    this.#translator = new Translator(memory, features);
  }

  /** The stream table entry of a stream, or why there is none. */
  entry(streamId: number): Uint32Array | Fault {
    return this.#translator.entry(this.table, streamId, this.remembered);
  }

  /** How a transaction fares. */
  run(transaction: Transaction): Outcome {
    return this.#translator.run(this.table, transaction, this.remembered);
  }

  /** How it would if nothing was remembered; nothing is kept, and nobody hears of what is read. */
  peek(transaction: Transaction): Outcome {
    return this.#translator.run(this.table, transaction, null);
  }

  /** Which commands an answer lacks that memory does not give any more; null for one that is right. */
  missing(transaction: Transaction, given: Outcome): string | null {
    const now = this.peek(transaction);
    if (isSame(given, now)) return null;
    return missingCommands(transaction, given, now, this);
  }
}
