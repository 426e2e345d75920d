// SPDX-License-Identifier: MIT
import { CD } from "./cd.ts";
import { GLOBAL, tagOf } from "./invalidation-scope.ts";
import type { PendingInvalidations } from "./pending-invalidations.ts";
import { STE, STRW } from "./ste.ts";
import { hasStage2 } from "./ste-check.ts";
import type { Transaction } from "./transaction.ts";
import type { Outcome, Remembered } from "./translator.ts";

const hex = (value: number): string => `0x${value.toString(16)}`;
const pageOf = (address: number): string => hex(address - (address % 4096));

/** Whether two answers are the same to the device. */
export const isSame = (one: Outcome, other: Outcome): boolean =>
  one.fault?.name === other.fault?.name &&
  (one.fault !== null || (one.address === other.address && one.snooping === other.snooping));

const isEqual = (one: Uint32Array | null, other: Uint32Array | null): boolean =>
  one === other || (one !== null && other !== null && one.every((word, index) => word === other[index]));

/** Whether stage 2 refused to have the CD read, or what leads to it. */
const isLostInStage2 = ({ cd, fault }: Outcome): boolean => cd === null && fault?.stage2 === true;

/**
 * Which commands software has left out, given an answer that memory does not give any more: `CMD_TLBI_NH_VA of 0x1000 for ASID 1,
 * CMD_SYNC`. What was sent and not yet followed by a CMD_SYNC lacks only that.
 */
export function missingCommands(
  transaction: Transaction,
  given: Outcome,
  now: Outcome,
  remembered: Remembered,
  pending: PendingInvalidations,
): string {
  const { streamId, substream = 0 } = transaction;
  const missing: string[] = [];
  if (!isEqual(given.ste, now.ste)) {
    if (!pending.coversConfiguration(streamId, null))
      missing.push(`CMD_CFGI_STE of StreamID ${hex(streamId)}`);
  } else if (!isEqual(given.cd, now.cd) && !isLostInStage2(given)) {
    // Without a CD it is the descriptor on the way to it that is old.
    const leaf = given.cd === null ? " with Leaf 0" : "";
    if (!pending.coversConfiguration(streamId, substream))
      missing.push(`CMD_CFGI_CD of StreamID ${hex(streamId)}, SubstreamID ${substream}${leaf}`);
  } else missing.push(...missingTlbis(transaction, given, now, remembered, pending));
  return [...missing, "CMD_SYNC"].join(", ");
}

function missingTlbis(
  { address }: Transaction,
  given: Outcome,
  now: Outcome,
  { translations }: Remembered,
  pending: PendingInvalidations,
): string[] {
  const { ste, cd, ipa } = given;
  if (ste === null) return [];
  const vmid = STE.get(ste, "S2VMID");
  const isNested = hasStage2(STE.get(ste, "Config"));
  const { first, second } = translations;
  const ipaNow = now.fault?.stage2 === true ? now.fault.ipa : now.ipa;
  const isSecond = cd === null || given.fault?.stage2 === true || (ipa !== null && ipa === ipaNow);
  const missing: string[] = [];
  if (isSecond) {
    const at = ipa ?? given.fault?.ipa ?? address;
    const isEntry = second.tlb.find(vmid, at);
    if ((isEntry || cd === null) && !pending.coversSecond(vmid, at, !isEntry))
      missing.push(`CMD_TLBI_S2_IPA of ${pageOf(at)} for VMID ${vmid}${isEntry ? "" : " with Leaf 0"}`);
  }
  if (cd === null) return missing;
  const isEl2 = STE.get(ste, "STRW") === STRW.EL2 && !isNested;
  const asid = CD.get(cd, "ASID");
  const tag = tagOf(isEl2, vmid, asid);
  const isEntry = first.tlb.find(tag, address) || first.tlb.find(tagOf(isEl2, vmid, GLOBAL), address);
  if (isSecond && !isEntry) return missing;
  if (pending.coversFirst(tag, address, !isEntry)) return missing;
  if (isSecond) missing.push(`CMD_TLBI_NH_ALL for VMID ${vmid}`);
  else {
    const whose = isEl2 || vmid === 0 ? `ASID ${asid}` : `ASID ${asid} and VMID ${vmid}`;
    const leaf = isEntry ? "" : " with Leaf 0";
    missing.push(`CMD_TLBI_${isEl2 ? "EL2" : "NH"}_VA of ${pageOf(address)} for ${whose}${leaf}`);
  }
  return missing;
}
