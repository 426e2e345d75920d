// SPDX-License-Identifier: MIT
import type { Trace } from "@dmabuf/core/sim";
import type { Atc } from "./ats.ts";
import { type Command, decodeCommand } from "./command.ts";
import { CommandError, commandErrorNames } from "./command-queue.ts";
import type { Lookups } from "./lookups.ts";
import type { SmmuFeatures } from "./smmu-features.ts";
import { commandConsumed, commandError } from "./smmu-trace.ts";
import type { StalledTransactions } from "./stalled-transactions.ts";

/** What commands act upon. */
interface Hands {
  readonly name: string;
  readonly features: SmmuFeatures;
  readonly lookups: Lookups;
  readonly stalled: StalledTransactions;
  readonly atcs: ReadonlyMap<number, Atc>;
  readonly trace: Trace | undefined;
}

/** Executes commands. @see Arm IHI 0070, 4 */
export class CommandProcessor {
  readonly #hands: Hands;

  constructor(hands: Hands) {
    this.#hands = hands;
  }

  /** Executes the command in 16 bytes; returns one of `CommandError`. */
  execute(words: Uint32Array): number {
    const command = decodeCommand(words);
    const error = command === null ? CommandError.ILL : this.#perform(command);
    const { trace, name } = this.#hands;
    if (trace !== undefined) {
      const [a, b, c, d] = words as unknown as [number, number, number, number];
      trace.emit(commandConsumed, trace.intern(name), trace.intern(command?.op ?? ""), a, b, c, d);
      if (error !== 0)
        trace.emit(commandError, trace.intern(name), trace.intern(commandErrorNames[error] ?? ""));
    }
    return error;
  }

  #perform(command: Command): number {
    const { op } = command;
    const { features, lookups, stalled, atcs } = this.#hands;
    const { pending, remembered } = lookups;
    if (isIllegal(command, features)) return CommandError.ILL;
    if (op === "CMD_SYNC")
      return pending.complete(remembered, (id) => atcs.get(id))
        ? CommandError.NONE
        : CommandError.ATC_INV_SYNC;
    if (op === "CMD_RESUME" || op === "CMD_STALL_TERM") stalled.apply(command);
    else if (op === "CMD_PRI_RESP")
      atcs.get(command.StreamID ?? 0)?.onPageResponse?.(command.PRGIndex ?? 0, command.Resp ?? 0);
    else if (!op.startsWith("CMD_PREFETCH")) pending.add(command);
    return CommandError.NONE;
  }
}

/** Commands for what this SMMU does not have: CERROR_ILL. @see Arm IHI 0070, 4.1 */
function isIllegal(
  command: Command,
  { stage1, stage2, stall, ats, rangeInvalidation }: SmmuFeatures,
): boolean {
  const { op, CS = 0, TG = 0 } = command;
  if (op === "CMD_SYNC") return CS === 3;
  if (op === "CMD_RESUME" || op === "CMD_STALL_TERM") return !stall;
  if (op === "CMD_ATC_INV" || op === "CMD_PRI_RESP") return !ats;
  if (op === "CMD_TLBI_S2_IPA" || op === "CMD_TLBI_S12_VMALL")
    return !stage2 || (TG !== 0 && !rangeInvalidation);
  if (op.startsWith("CMD_TLBI_NH")) return !stage1 || (TG !== 0 && !rangeInvalidation);
  return false;
}
