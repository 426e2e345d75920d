// SPDX-License-Identifier: MIT
import { type Known, missingTlbis, pageOf } from "./missing-tlbis.ts";
import type { PendingInvalidations } from "./pending-invalidations.ts";
import { STE } from "./ste.ts";
import type { Transaction } from "./transaction.ts";
import type { Outcome } from "./translator.ts";

const hex = (value: number): string => `0x${value.toString(16)}`;

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
  known: Known,
): string {
  const { pending } = known;
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
    if (isLostInStage2(now)) missing.push(...missingBehind(given, now.fault?.ipa ?? 0, pending));
  } else missing.push(...missingTlbis(transaction, given, now, known));
  return [...missing, "CMD_SYNC"].join(", ");
}

/** The CD itself is where stage 2 has nothing any more. */
function missingBehind({ ste }: Outcome, ipa: number, pending: PendingInvalidations): string[] {
  const vmid = ste === null ? 0 : STE.get(ste, "S2VMID");
  return pending.coversSecond(vmid, ipa, false) ? [] : [`CMD_TLBI_S2_IPA of ${pageOf(ipa)} for VMID ${vmid}`];
}
