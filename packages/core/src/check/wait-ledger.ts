// SPDX-License-Identifier: MIT
import type { Trace } from "../sim/trace.ts";
import { dmaFenceWaitEnd, dmaFenceWaitStart } from "../sync/dma-fence-trace.ts";
import { resvAdd } from "../sync/dma-resv-trace.ts";
import type { LedgerStage } from "./access-ledger.ts";

/** Equal waits of one stage for the fences of another. */
export interface StageWait {
  /** Who waited. */
  readonly stage: string;
  /** Who had published the fences. */
  readonly for: string;
  /** What the rule is, in words. */
  readonly why: string;
  /** How often it really had to wait. */
  readonly count: number;
  /** Virtual time waited in all. */
  readonly ns: number;
}

/** Who waited for whom, and why: implicit synchronisation made visible, from events alone. */
export class WaitLedger {
  readonly #stages: ReadonlyMap<string, LedgerStage>;
  /** Who published a fence, and under which usage. */
  readonly #published = new Map<string, { readonly stage: string; readonly usage: string }>();
  readonly #open = new Map<string, { readonly fence: string; readonly since: number }>();
  readonly #waits = new Map<string, { -readonly [K in keyof StageWait]: StageWait[K] }>();

  constructor(stages: readonly LedgerStage[], trace: Trace) {
    this.#stages = new Map(stages.map((stage) => [stage.name, stage]));
    trace.subscribe(resvAdd, (event) => {
      const fence = `${event.get("context")} ${event.get("seqno")}`;
      this.#published.set(fence, { stage: event.timelineName, usage: event.text("usage") });
    });
    trace.subscribe(dmaFenceWaitStart, (event) => {
      const fence = `${event.get("context")} ${event.get("seqno")}`;
      this.#open.set(event.timelineName, { fence, since: event.time });
    });
    trace.subscribe(dmaFenceWaitEnd, (event) => {
      const open = this.#open.get(event.timelineName);
      this.#open.delete(event.timelineName);
      if (open !== undefined && event.time > open.since)
        this.#note(event.timelineName, open.fence, event.time - open.since);
    });
  }

  /** Waits between stages, in the order in which they first happened. */
  get waits(): readonly StageWait[] {
    return [...this.#waits.values()];
  }

  #note(stage: string, fence: string, ns: number): void {
    const published = this.#published.get(fence);
    const waiter = this.#stages.get(stage);
    if (published === undefined || waiter === undefined || !this.#stages.has(published.stage)) return;
    const why = published.stage === stage ? "its own transfer before" : reason(waiter, published.usage);
    const key = `${stage}\n${published.stage}\n${why}`;
    const known = this.#waits.get(key);
    if (known === undefined) this.#waits.set(key, { stage, for: published.stage, why, count: 1, ns });
    else {
      known.count++;
      known.ns += ns;
    }
  }
}

function reason({ writes }: LedgerStage, usage: string): string {
  if (usage === "write") return writes === null ? "a reader waits for writers" : "a writer waits for writers";
  if (usage === "read") return "a writer waits for readers";
  return "the program passed the fence on";
}
