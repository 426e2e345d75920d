// SPDX-License-Identifier: MIT
import type { PageTable } from "@dmabuf/core/iommu";
import { CD } from "./cd.ts";
import { GLOBAL, tagOf } from "./invalidation-scope.ts";
import type { PendingInvalidations } from "./pending-invalidations.ts";
import { STE, STRW } from "./ste.ts";
import { hasStage2 } from "./ste-check.ts";
import type { StructureMemory } from "./structure-memory.ts";
import type { Transaction } from "./transaction.ts";
import type { TranslationCache } from "./translation-caches.ts";
import type { Outcome, Remembered } from "./translator.ts";

/** What an SMMU knows when it says what is missing. */
export interface Known {
  readonly remembered: Remembered;
  readonly pending: PendingInvalidations;
  readonly memory: StructureMemory;
}

/** The page of an address, as messages name it. */
export const pageOf = (address: number): string => `0x${(address - (address % 4096)).toString(16)}`;

/** Where tables begin now: of stage 1 and stage 2, where they are on. */
function rootsOf(
  { ste, cd }: Outcome,
  memory: StructureMemory,
): { first: PageTable | null; second: PageTable | null } {
  if (ste === null) return { first: null, second: null };
  const isBehind = hasStage2(STE.get(ste, "Config"));
  const second = isBehind ? memory.tableAt(STE.get(ste, "S2TTB")) : null;
  if (cd === null) return { first: null, second };
  const root = CD.get(cd, "TTB0");
  const at = isBehind ? (second?.lookup(root) ?? null) : root;
  return { first: at === null ? null : memory.tableAt(at), second };
}

/** What is old of an address in one cache: nothing, an entry, or the way to its table as well. */
function oldIn(
  { tlb, walks }: TranslationCache,
  tags: readonly number[],
  root: PageTable | null,
  address: number,
): "nothing" | "entry" | "way" {
  if (root !== null && walks.isStale(tags[0] as number, root, address)) return "way";
  return tags.some((tag) => tlb.find(tag, address)) ? "entry" : "nothing";
}

const leafText = (old: "entry" | "way"): string => (old === "entry" ? "" : " with Leaf 0");

/** Which TLBIs software has left out, given an answer whose configuration is right (M-46). */
export function missingTlbis(
  { address }: Transaction,
  given: Outcome,
  now: Outcome,
  { remembered, pending, memory }: Known,
): string[] {
  const { ste, cd, ipa } = given;
  if (ste === null) return [];
  const vmid = STE.get(ste, "S2VMID");
  const isNested = hasStage2(STE.get(ste, "Config"));
  const { first, second } = remembered.translations;
  const roots = rootsOf(now, memory);
  const ipaNow = now.fault?.stage2 === true ? now.fault.ipa : now.ipa;
  const isSecond = cd === null || given.fault?.stage2 === true || (ipa !== null && ipa === ipaNow);
  const missing: string[] = [];
  const at = isSecond ? (ipa ?? given.fault?.ipa ?? address) : isNested ? ipaNow : null;
  if (at !== null && at !== undefined) {
    const old = oldIn(second, [vmid], roots.second, at);
    if (old !== "nothing" && !pending.coversSecond(vmid, at, old === "way"))
      missing.push(`CMD_TLBI_S2_IPA of ${pageOf(at)} for VMID ${vmid}${leafText(old)}`);
  }
  if (cd === null) return missing;
  const isEl2 = STE.get(ste, "STRW") === STRW.EL2 && !isNested;
  const asid = CD.get(cd, "ASID");
  const tags = [tagOf(isEl2, vmid, asid), tagOf(isEl2, vmid, GLOBAL)];
  const old = oldIn(first, tags, roots.first, address);
  if (old === "nothing" || pending.coversFirst(tags[0] as number, address, old === "way")) return missing;
  if (isSecond && old === "entry") return [...missing, `CMD_TLBI_NH_ALL for VMID ${vmid}`];
  const whose = isEl2 || vmid === 0 ? `ASID ${asid}` : `ASID ${asid} and VMID ${vmid}`;
  const op = isEl2 ? "CMD_TLBI_EL2_VA" : "CMD_TLBI_NH_VA";
  return [...missing, `${op} of ${pageOf(address)} for ${whose}${leafText(old)}`];
}
