// SPDX-License-Identifier: MIT
import type { Trace } from "@dmabuf/core/sim";
import { CD } from "./cd.ts";
import { ResumeResponse } from "./command.ts";
import { EVENT, eventName } from "./event.ts";
import type { EventQueue } from "./event-queue.ts";
import { eventOf, type Fault, isTranslationFault } from "./fault.ts";
import { eventRecorded } from "./smmu-trace.ts";
import type { StalledTransactions } from "./stalled-transactions.ts";
import { STE } from "./ste.ts";
import type { Transaction } from "./transaction.ts";
import type { Outcome } from "./translator.ts";

/** What faults are recorded with. */
interface Hands {
  readonly name: string;
  readonly events: EventQueue;
  readonly stalled: StalledTransactions;
  /** IDR0.STALL_MODEL. */
  readonly stall: boolean;
  readonly trace: Trace | undefined;
}

/** Records faults as events, and has transactions wait for software. @see Arm IHI 0070, 3.12 */
export class FaultRecorder {
  readonly #hands: Hands;

  constructor(hands: Hands) {
    this.#hands = hands;
  }

  /** Records a fault as CD.R, CD.A and CD.S, or STE.S2R and STE.S2S, want it. Returns what the device sees of it. */
  report(fault: Fault, transaction: Transaction, { ste, cd }: Outcome): string {
    if (!isTranslationFault(fault) || ste === null) {
      this.record(fault, transaction);
      return "";
    }
    const inStage2 = fault.stage2 === true || cd === null;
    const stalls = inStage2
      ? STE.get(ste, "S2S") === 1
      : CD.get(cd, "S") === 1 && STE.get(ste, "S1STALLD") === 0;
    const aborts = inStage2 || CD.get(cd, "A") === 1;
    if (this.#hands.stall && stalls) return this.#stall(fault, transaction, aborts);
    if (inStage2 ? STE.get(ste, "S2R") === 1 : CD.get(cd, "R") === 1) this.record(fault, transaction);
    return aborts ? "" : "RAZ/WI";
  }

  #stall(fault: Fault, transaction: Transaction, aborts: boolean): string {
    const { stalled } = this.#hands;
    const stag = stalled.add(transaction.streamId);
    this.record(fault, transaction, stag);
    const response = stalled.take(stag);
    if (response === null) return `stalled with STAG ${stag}`;
    if (response === ResumeResponse.RETRY) return "retry";
    return response === ResumeResponse.ABORT || aborts ? "terminated" : "terminated, RAZ/WI";
  }

  /** Records a fault, of a transaction that waits under a tag, or of one that does not. */
  record(fault: Fault, transaction: Transaction, stag: number | null = null): void {
    const words = eventOf(fault, transaction);
    if (words === null) return;
    if (stag !== null) {
      EVENT.set(words, "Stall", 1);
      EVENT.set(words, "STAG", stag);
    }
    const { trace, name, events } = this.#hands;
    const isLost = !events.enabled || (events.isStopped && stag === null);
    if (trace !== undefined) {
      const event = trace.intern(eventName(words) ?? "");
      const { streamId, substream = 0, address } = transaction;
      const smmu = trace.intern(name);
      trace.emit(eventRecorded, smmu, event, streamId, substream, address, stag ?? 0, isLost ? 1 : 0);
    }
    events.record(words, stag !== null);
  }
}
