// SPDX-License-Identifier: MIT
import type { Snooping } from "@dmabuf/core/iommu";
import { CD } from "./cd.ts";
import type { ConfigurationCache } from "./configuration-cache.ts";
import { findCd } from "./context-table.ts";
import { FaultClass } from "./event.ts";
import type { Fault } from "./fault.ts";
import { bypassSnooping } from "./incoming-attributes.ts";
import { Attribute } from "./leaf-descriptor.ts";
import type { SmmuFeatures } from "./smmu-features.ts";
import { Stage1 } from "./stage1.ts";
import { isForbiddenInStage2, Stage2 } from "./stage2.ts";
import { Config, S1DSS, STE } from "./ste.ts";
import { hasStage1, hasStage2, isCdIllegal, isSteIllegal } from "./ste-check.ts";
import { findSte, l1Reader, type StreamTable } from "./stream-table.ts";
import type { StructureMemory } from "./structure-memory.ts";
import type { Transaction } from "./transaction.ts";
import type { TranslationCaches } from "./translation-caches.ts";

const { NOT_SNOOPED, SNOOPED } = Attribute;

/** What becomes of a transaction, and out of which configuration. */
export interface Outcome {
  readonly fault: Fault | null;
  readonly address: number;
  /** The first input address for which this does not hold any more. */
  readonly end: number;
  readonly snooping: Snooping;
  readonly ste: Uint32Array | null;
  readonly cd: Uint32Array | null;
  /** The intermediate address, where both stages are on. */
  readonly ipa: number | null;
}

/** What an SMMU remembers: of its configuration, and of page tables. */
export interface Remembered {
  readonly configuration: ConfigurationCache;
  readonly translations: TranslationCaches;
}

/** How a transaction fares, in the order in which the architecture checks (G.8). @see Arm IHI 0070, 3.3 and 7.3 */
export class Translator {
  readonly #memory: StructureMemory;
  readonly #features: SmmuFeatures;
  readonly #stage1: Stage1;
  readonly #stage2: Stage2;

  constructor(memory: StructureMemory, features: SmmuFeatures) {
    this.#memory = memory;
    this.#features = features;
    this.#stage2 = new Stage2(memory, features);
    this.#stage1 = new Stage1(memory, features, this.#stage2);
  }

  /** @param remembered null for what memory says now, without a trace that it was read */
  run(table: StreamTable, transaction: Transaction, remembered: Remembered | null): Outcome {
    const { streamId, substream, address } = transaction;
    const ste = this.entry(table, streamId, remembered);
    if (!(ste instanceof Uint32Array)) return outcome({ fault: ste });
    if (STE.get(ste, "V") === 0 || isSteIllegal(ste, this.#features))
      return outcome({ fault: { name: "C_BAD_STE" }, ste });
    const config = STE.get(ste, "Config");
    if (config < Config.BYPASS) return outcome({ fault: { name: "abort" }, ste });
    if (config === Config.BYPASS) return untranslated(address, ste);
    if (!hasStage1(config)) {
      if (substream !== undefined) return outcome({ fault: { name: "C_BAD_SUBSTREAMID" }, ste });
      return this.#secondOnly(ste, transaction, remembered);
    }
    const chosen = chooseSubstream(ste, substream);
    if (chosen === "bypass")
      return hasStage2(config) ? this.#secondOnly(ste, transaction, remembered) : untranslated(address, ste);
    if (typeof chosen !== "number") return outcome({ fault: chosen, ste });
    const cd = this.#cd(ste, streamId, chosen, remembered);
    if (!(cd instanceof Uint32Array)) return outcome({ fault: cd, ste });
    if (CD.get(cd, "V") === 0 || isCdIllegal(cd, this.#features))
      return outcome({ fault: { name: "C_BAD_CD" }, ste, cd });
    const answer = this.#stage1.translate(ste, cd, transaction, remembered?.translations ?? null);
    const { fault, end, attributes, ipa } = answer;
    const snooping = (attributes & SNOOPED) !== 0 ? "always" : "never";
    return outcome({ fault, address: answer.address, end, snooping, ste, cd, ipa });
  }

  /** The stream table entry of a stream, or why there is none. */
  entry(table: StreamTable, streamId: number, remembered: Remembered | null): Uint32Array | Fault {
    const cache = remembered?.configuration;
    const known = cache?.ste(streamId);
    if (known !== undefined) return known;
    const fromMemory = l1Reader(this.#memory);
    const at = findSte(
      table,
      streamId,
      cache === undefined ? fromMemory : cache.descriptorReader(fromMemory),
    );
    if (typeof at !== "number") return at;
    const ste = this.#memory.read(at, 16);
    if (ste === null) return { name: "F_STE_FETCH", fetchAddress: at };
    cache?.keepSte(streamId, ste);
    return ste;
  }

  #cd(
    ste: Uint32Array,
    streamId: number,
    substream: number,
    remembered: Remembered | null,
  ): Uint32Array | Fault {
    const cache = remembered?.configuration;
    const known = cache?.cd(streamId, substream);
    if (known !== undefined) return known;
    const isNested = hasStage2(STE.get(ste, "Config"));
    const locate = (address: number): number | Fault => {
      if (!isNested) return address;
      const answer = this.#stage2.translate(ste, address, remembered?.translations.second ?? null);
      return answer.fault === null ? answer.address : { ...answer.fault, class: FaultClass.CD };
    };
    const fromMemory = l1Reader(this.#memory);
    const readL1 = cache === undefined ? fromMemory : cache.l1CdReader(streamId, fromMemory);
    const at = findCd(ste, substream, locate, readL1);
    if (typeof at !== "number") return at;
    const cd = this.#memory.read(at, 16);
    if (cd === null) return { name: "F_CD_FETCH", fetchAddress: at };
    cache?.keepCd(streamId, substream, cd);
    return cd;
  }

  #secondOnly(ste: Uint32Array, transaction: Transaction, remembered: Remembered | null): Outcome {
    const { address, access, instruction } = transaction;
    const second = remembered?.translations.second ?? null;
    const { fault, address: to, end, attributes } = this.#stage2.translate(ste, address, second);
    if (fault !== null) return outcome({ fault, ste });
    if (isForbiddenInStage2(attributes, access, instruction))
      return outcome({ fault: { name: "F_PERMISSION", stage2: true, ipa: address }, ste });
    const snooping = (attributes & NOT_SNOOPED) === 0 ? bypassSnooping(ste) : "never";
    return outcome({ address: to, end, snooping, ste });
  }
}

/** The CD of a transaction, or that it bypasses stage 1, or why it may not (S1DSS, S1CDMax). @see Arm IHI 0070, 5.2 */
function chooseSubstream(ste: Uint32Array, substream: number | undefined): number | "bypass" | Fault {
  if (STE.get(ste, "S1CDMax") === 0) return substream === undefined ? 0 : { name: "C_BAD_SUBSTREAMID" };
  const without = STE.get(ste, "S1DSS");
  if (substream === 0 && without === S1DSS.SSID0) return { name: "C_BAD_SUBSTREAMID" };
  if (substream !== undefined) return substream;
  if (without === S1DSS.TERMINATE) return { name: "F_STREAM_DISABLED" };
  return without === S1DSS.BYPASS ? "bypass" : 0;
}

const nothing: Outcome = {
  fault: null,
  address: 0,
  end: Number.POSITIVE_INFINITY,
  snooping: "device",
  ste: null,
  cd: null,
  ipa: null,
};

const outcome = (what: Partial<Outcome>): Outcome => ({ ...nothing, ...what });

const untranslated = (address: number, ste: Uint32Array): Outcome =>
  outcome({ address, snooping: bypassSnooping(ste), ste });
