// SPDX-License-Identifier: MIT
import { IommuProt } from "@dmabuf/core/iommu";
import type { Fault } from "./fault.ts";
import { Attribute, stage2Attributes } from "./leaf-descriptor.ts";
import type { SmmuFeatures } from "./smmu-features.ts";
import { walkStage } from "./stage-walk.ts";
import { STE } from "./ste.ts";
import { outputEnd } from "./ste-check.ts";
import type { StructureMemory } from "./structure-memory.ts";
import type { TranslationCache } from "./translation-caches.ts";

const { READ, WRITE } = IommuProt;
const { S2_NO_READ, S2_NO_WRITE, S2_XN } = Attribute;

/** What a stage answers: an address and attributes, good up to `end`, or a fault. */
export interface StageAnswer {
  readonly fault: Fault | null;
  readonly address: number;
  readonly end: number;
  /** Flags of `Attribute`. */
  readonly attributes: number;
}

/** The answer of a stage that refuses. */
export const stageFault = (fault: Fault): StageAnswer => ({ fault, address: 0, end: 0, attributes: 0 });

/** Stage 2: from intermediate to physical addresses, as an STE says. Permissions are the caller's to check. */
export class Stage2 {
  readonly #memory: StructureMemory;
  readonly #features: SmmuFeatures;

  constructor(memory: StructureMemory, features: SmmuFeatures) {
    this.#memory = memory;
    this.#features = features;
  }

  /** @param cache what is remembered; null to look into the tables alone */
  translate(ste: Uint32Array, ipa: number, cache: TranslationCache | null): StageAnswer {
    const vmid = STE.get(ste, "S2VMID");
    if (cache?.tlb.find(vmid, ipa) === true) {
      const { address, end, attributes } = cache.tlb;
      return { fault: null, address, end, attributes };
    }
    const root = STE.get(ste, "S2TTB");
    const table = this.#memory.tableAt(root);
    if (table === null) return stageFault({ name: "F_WALK_EABT", stage2: true, ipa, fetchAddress: root });
    const leaf = walkStage(
      {
        table,
        tag: vmid,
        inputEnd: 2 ** (64 - STE.get(ste, "S2T0SZ")),
        outputEnd: outputEnd(STE.get(ste, "S2PS"), this.#features),
        accessFlagIgnored: STE.get(ste, "S2AFFD") === 1,
        cache,
      },
      ipa,
    );
    if (leaf.fault !== null) return stageFault({ ...leaf.fault, stage2: true, ipa });
    const { address, size } = leaf;
    const attributes = stage2Attributes(leaf);
    cache?.fill(vmid, ipa, address, size, attributes);
    return { fault: null, address, end: ipa - (ipa % size) + size, attributes };
  }
}

/** Whether stage 2 forbids an access. */
export const isForbiddenInStage2 = (attributes: number, access: number, instruction = false): boolean =>
  ((access & READ) !== 0 && (attributes & S2_NO_READ) !== 0) ||
  ((access & WRITE) !== 0 && (attributes & S2_NO_WRITE) !== 0) ||
  (instruction && (attributes & S2_XN) !== 0);
