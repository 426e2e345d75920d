// SPDX-License-Identifier: MIT
import type { Command } from "./command.ts";

/** What software has answered to a transaction that waits: one of `ResumeResponse`. */
interface Stalled {
  readonly streamId: number;
  response: number | null;
}

/** Transactions that wait for software, each under a tag (M-54). @see Arm IHI 0070, 3.12.2 and 4.6 */
export class StalledTransactions {
  readonly #waiting = new Map<number, Stalled>();
  #next = 0;

  /** Transactions that wait. */
  get count(): number {
    return this.#waiting.size;
  }

  /** A transaction waits from now on; returns its STAG. */
  add(streamId: number): number {
    while (this.#waiting.has(this.#next)) this.#next = (this.#next + 1) % 2 ** 16;
    const stag = this.#next;
    this.#next = (stag + 1) % 2 ** 16;
    this.#waiting.set(stag, { streamId, response: null });
    return stag;
  }

  /** CMD_RESUME and CMD_STALL_TERM. A STAG that is not this stream's is ignored. */
  apply({ op, StreamID, STAG = 0, Resp = 0 }: Command): void {
    if (op === "CMD_STALL_TERM") {
      for (const stalled of this.#waiting.values()) if (stalled.streamId === StreamID) stalled.response = 0;
      return;
    }
    const stalled = this.#waiting.get(STAG);
    if (stalled !== undefined && stalled.streamId === StreamID) stalled.response = Resp;
  }

  /** What was answered, after which the transaction does not wait any more; null as long as it does. */
  take(stag: number): number | null {
    const response = this.#waiting.get(stag)?.response ?? null;
    if (response !== null) this.#waiting.delete(stag);
    return response;
  }
}
