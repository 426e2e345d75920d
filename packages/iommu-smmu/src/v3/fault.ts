// SPDX-License-Identifier: MIT
import { IommuProt } from "@dmabuf/core/iommu";
import { EVENT, EventCode, type EventName, FaultClass, setFetchAddr } from "./event.ts";
import type { Transaction } from "./transaction.ts";

const { WRITE, PRIV } = IommuProt;

/** Why a transaction does not get through. */
export interface Fault {
  /** `abort` is STE.Config 0, which is silent. */
  readonly name: EventName | "abort";
  /** The level of the table, where a walk ended. */
  readonly level?: number;
  /** Whether stage 2 says so. */
  readonly stage2?: boolean;
  /** One of `FaultClass`; default the input address. */
  readonly class?: number;
  /** The intermediate address that stage 2 was asked for. */
  readonly ipa?: number;
  /** What could not be read. */
  readonly fetchAddress?: number;
}

/** Faults of a translation: with STALL a transaction can wait for these to be repaired (M-54). */
const recoverable: readonly string[] = ["F_TRANSLATION", "F_ADDR_SIZE", "F_ACCESS", "F_PERMISSION"];

/** Whether a fault belongs to the translation, so that CD.R, CD.A and CD.S or STE.S2R and STE.S2S say what becomes of it. */
export const isTranslationFault = ({ name }: Fault): boolean => recoverable.includes(name);

const classNames = ["reading a CD", "reading a table"];

/** A fault in words: `F_TRANSLATION (0x10), level 3`. */
export function faultText({ name, level, stage2, class: during = FaultClass.IN, ipa }: Fault): string {
  if (name === "abort") return "STE.Config is abort";
  const parts = [`${name} (0x${EventCode[name].toString(16).padStart(2, "0")})`];
  if (stage2 === true) parts.push("stage 2");
  if (level !== undefined) parts.push(`level ${level}`);
  if (stage2 === true && ipa !== undefined) parts.push(`IPA 0x${ipa.toString(16)}`);
  const reading = classNames[during];
  if (reading !== undefined) parts.push(reading);
  return parts.join(", ");
}

/** Events that say where the transaction went, besides whose it is. */
const hasAddress = (name: EventName): boolean =>
  EventCode[name] >= EventCode.F_WALK_EABT || name === "F_TRANSL_FORBIDDEN" || name === "F_UUT";

/** The record of a fault, without STAG and Stall; null for a silent one. @see Arm IHI 0070, 7.3 */
export function eventOf(fault: Fault, transaction: Transaction): Uint32Array | null {
  const { name, stage2 = false, class: during = FaultClass.IN, ipa, fetchAddress } = fault;
  if (name === "abort") return null;
  const { streamId, substream } = transaction;
  const words = EVENT.encode({
    Type: EventCode[name],
    StreamID: streamId,
    SSV: substream === undefined ? 0 : 1,
    SubstreamID: substream ?? 0,
  });
  if (hasAddress(name)) {
    EVENT.set(words, "InputAddr", transaction.address);
    EVENT.set(words, "RnW", isWrite(transaction) ? 0 : 1);
    EVENT.set(words, "PnU", isPrivileged(transaction) ? 1 : 0);
    EVENT.set(words, "InD", transaction.instruction === true ? 1 : 0);
    EVENT.set(words, "S2", stage2 ? 1 : 0);
    EVENT.set(words, "CLASS", during);
    if (stage2 && ipa !== undefined) EVENT.set(words, "IPA", ipa - (ipa % 4096));
  }
  if (fetchAddress !== undefined) setFetchAddr(words, fetchAddress - (fetchAddress % 8));
  return words;
}

const isWrite = ({ access }: Transaction): boolean => (access & WRITE) !== 0;
const isPrivileged = ({ access }: Transaction): boolean => (access & PRIV) !== 0;
