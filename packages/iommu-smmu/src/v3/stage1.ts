// SPDX-License-Identifier: MIT
import { IommuProt } from "@dmabuf/core/iommu";
import { CD } from "./cd.ts";
import { FaultClass } from "./event.ts";
import type { Fault } from "./fault.ts";
import { GLOBAL, tagOf } from "./invalidation-scope.ts";
import { Attribute, combinedAttributes, levelOf, sizeOf, stage1Attributes } from "./leaf-descriptor.ts";
import type { SmmuFeatures } from "./smmu-features.ts";
import { walkStage } from "./stage-walk.ts";
import { isForbiddenInStage2, type Stage2, type StageAnswer, stageFault } from "./stage2.ts";
import { STE, STRW } from "./ste.ts";
import { hasStage2, outputEnd } from "./ste-check.ts";
import type { StructureMemory } from "./structure-memory.ts";
import type { Transaction } from "./transaction.ts";
import type { TranslationCaches } from "./translation-caches.ts";

const { WRITE, PRIV, READ } = IommuProt;
const { S1_READ_ONLY, S1_PRIVILEGED, S1_XN, NOT_GLOBAL } = Attribute;

/** An answer of stage 1, or of both stages, and the intermediate address where there is one. */
export interface Stage1Answer extends StageAnswer {
  readonly ipa: number | null;
}

/** Stage 1, and stage 2 behind it where the STE says so: tables and pages are then at intermediate addresses. */
export class Stage1 {
  readonly #memory: StructureMemory;
  readonly #features: SmmuFeatures;
  readonly #stage2: Stage2;

  constructor(memory: StructureMemory, features: SmmuFeatures, stage2: Stage2) {
    this.#memory = memory;
    this.#features = features;
    this.#stage2 = stage2;
  }

  /** The tag of the translations of a CD. */
  tag(ste: Uint32Array, cd: Uint32Array): number {
    return tagOf(isEl2(ste), STE.get(ste, "S2VMID"), CD.get(cd, "ASID"));
  }

  /** @param caches what is remembered; null to look into the tables alone */
  translate(
    ste: Uint32Array,
    cd: Uint32Array,
    transaction: Transaction,
    caches: TranslationCaches | null,
  ): Stage1Answer {
    const { address, access, instruction } = transaction;
    if (CD.get(cd, "EPD0") === 1) return refusal({ name: "F_TRANSLATION" });
    const answer =
      (caches === null ? null : this.#remembered(ste, cd, address, caches)) ??
      this.#walk(ste, cd, transaction, caches);
    if (answer.fault !== null) return answer;
    const { attributes, ipa } = answer;
    const level = levelOf(attributes);
    if (isForbidden(attributes, transaction, isEl2(ste))) return refusal({ name: "F_PERMISSION", level });
    if (ipa !== null && isForbiddenInStage2(attributes, access, instruction))
      return refusal({ name: "F_PERMISSION", stage2: true, ipa });
    return answer;
  }

  #remembered(
    ste: Uint32Array,
    cd: Uint32Array,
    address: number,
    { first, intermediate }: TranslationCaches,
  ): Stage1Answer | null {
    const tag = this.tag(ste, cd);
    const global = tagOf(isEl2(ste), STE.get(ste, "S2VMID"), GLOBAL);
    const { tlb } = first;
    const used = tlb.find(tag, address) ? tag : tlb.find(global, address) ? global : null;
    if (used === null) return null;
    const { address: output, end, attributes } = tlb;
    const isNested = hasStage2(STE.get(ste, "Config"));
    const ipa = isNested && intermediate.tlb.find(used, address) ? intermediate.tlb.address : null;
    return { fault: null, address: output, end, attributes, ipa };
  }

  #walk(
    ste: Uint32Array,
    cd: Uint32Array,
    transaction: Transaction,
    caches: TranslationCaches | null,
  ): Stage1Answer {
    const { address } = transaction;
    const isNested = hasStage2(STE.get(ste, "Config"));
    const second = caches?.second ?? null;
    let fault: Fault | null = null;
    const readThroughStage2 = (ipa: number, bytes: number): void => {
      if (fault !== null) return;
      const at = this.#stage2.translate(ste, ipa, second);
      fault = at.fault ?? tableForbidden(at.attributes, ipa);
      if (fault === null && caches !== null) this.#memory.fetched(at.address, bytes);
    };
    let root = CD.get(cd, "TTB0");
    if (isNested) {
      const located = this.#stage2.translate(ste, root, second);
      if (located.fault !== null) return refusal(duringWalk(located.fault));
      root = located.address;
    }
    const table = this.#memory.tableAt(root);
    if (table === null) return refusal({ name: "F_WALK_EABT", class: FaultClass.TT, fetchAddress: root });
    const leaf = walkStage(
      {
        table,
        tag: this.tag(ste, cd),
        inputEnd: 2 ** (64 - CD.get(cd, "T0SZ")),
        outputEnd: outputEnd(CD.get(cd, "IPS"), this.#features),
        accessFlagIgnored: CD.get(cd, "AFFD") === 1,
        cache: caches?.first ?? null,
        read: isNested ? readThroughStage2 : undefined,
      },
      address,
    );
    if (fault !== null) return refusal(duringWalk(fault));
    if (leaf.fault !== null) return refusal(leaf.fault);
    const own = stage1Attributes(leaf, cd);
    if (isForbidden(own, transaction, isEl2(ste)))
      return refusal({ name: "F_PERMISSION", level: leaf.level });
    const behind = isNested ? this.#stage2.translate(ste, leaf.address, second) : null;
    if (behind !== null && behind.fault !== null) return refusal(behind.fault);
    const output = behind === null ? leaf.address : behind.address;
    const attributes = behind === null ? own : combinedAttributes(own, behind.attributes);
    const page = sizeOf(attributes);
    if (caches !== null) {
      const asid = (own & NOT_GLOBAL) === 0 ? GLOBAL : CD.get(cd, "ASID");
      const tag = tagOf(isEl2(ste), STE.get(ste, "S2VMID"), asid);
      caches.first.fill(tag, address, output, page, attributes);
      if (behind !== null) caches.intermediate.fill(tag, address, leaf.address, page, attributes);
    }
    return {
      fault: null,
      address: output,
      end: address - (address % page) + page,
      attributes,
      ipa: behind === null ? null : leaf.address,
    };
  }
}

const isEl2 = (ste: Uint32Array): boolean =>
  STE.get(ste, "STRW") === STRW.EL2 && !hasStage2(STE.get(ste, "Config"));

const refusal = (fault: Fault): Stage1Answer => ({ ...stageFault(fault), ipa: null });
const duringWalk = (fault: Fault): Fault => ({ ...fault, class: FaultClass.TT });

/** Stage 2 has to let the walker read its tables. */
const tableForbidden = (attributes: number, ipa: number): Fault | null =>
  isForbiddenInStage2(attributes, READ) ? { name: "F_PERMISSION", stage2: true, ipa } : null;

/** EL2 knows no unprivileged accesses, so AP[1] says nothing there. */
const isForbidden = (
  attributes: number,
  { access, instruction = false }: Transaction,
  el2: boolean,
): boolean =>
  ((access & WRITE) !== 0 && (attributes & S1_READ_ONLY) !== 0) ||
  ((access & PRIV) === 0 && (attributes & S1_PRIVILEGED) !== 0 && !el2) ||
  (instruction && (attributes & S1_XN) !== 0);
