// SPDX-License-Identifier: MIT
import type { Trace, TraceEvent } from "../../sim/trace.ts";
import {
  dmaFenceDestroy,
  dmaFenceInit,
  dmaFenceSignaled,
  dmaFenceSignaledAgain,
  dmaFenceWaitEnd,
  dmaFenceWaitStart,
} from "../../sync/dma-fence-trace.ts";
import { resvAdd } from "../../sync/dma-resv-trace.ts";
import { type BecauseEvent, type Finding, finding } from "../finding.ts";

/** A fence that has not signaled. */
interface Pending {
  readonly text: string;
  readonly because: BecauseEvent[];
  published: boolean;
  waiting: number;
}

type FenceEvent = TraceEvent<typeof dmaFenceInit.fields>;

/** Containers: they keep no promise of their own, their parts do (F-36, F-42). */
const containers = ["dma_fence_array", "dma_fence_chain"];

/** Published fences that never signal (F-34), and fences that are signaled twice, from events alone. */
export class FencePromiseChecker {
  /** By context, then by seqno. */
  readonly #pending = new Map<number, Map<number, Pending>>();
  readonly #findings: Finding[] = [];

  constructor(trace: Trace) {
    trace.subscribe(dmaFenceInit, (event) => this.#init(event));
    trace.subscribe(dmaFenceSignaled, (event) =>
      this.#pending.get(event.get("context"))?.delete(event.get("seqno")),
    );
    trace.subscribe(dmaFenceSignaledAgain, (event) => this.#again(event));
    trace.subscribe(dmaFenceDestroy, (event) => this.#destroy(event));
    trace.subscribe(resvAdd, (event) => {
      const pending = this.#find(event.get("context"), event.get("seqno"));
      if (pending === undefined) return;
      pending.published = true;
      const text = `${pending.text} is published as a ${event.text("usage")} fence`;
      pending.because.push(because(event as unknown as TraceEvent, text));
    });
    const waits = (event: FenceEvent, change: number): void => {
      const pending = this.#find(event.get("context"), event.get("seqno"));
      if (pending === undefined) return;
      pending.waiting += change;
      if (change > 0)
        pending.because.push(because(event as unknown as TraceEvent, `waits for ${pending.text}`));
    };
    trace.subscribe(dmaFenceWaitStart, (event) => waits(event, 1));
    trace.subscribe(dmaFenceWaitEnd, (event) => waits(event, -1));
  }

  /** What it found, with what is pending at the end; null when the run was cut short and so has none. */
  finish(time: number | null): readonly Finding[] {
    if (time === null) return this.#findings;
    for (const fences of this.#pending.values()) {
      for (const pending of fences.values()) {
        if (!pending.published && pending.waiting === 0) continue;
        this.#note(pending, "is still pending, and nothing is left that could signal it (F-34)", time);
      }
    }
    return this.#findings;
  }

  #init(event: FenceEvent): void {
    if (containers.includes(event.text("driver"))) return;
    const context = event.get("context");
    const fences = this.#pending.get(context) ?? new Map<number, Pending>();
    this.#pending.set(context, fences);
    fences.set(event.get("seqno"), { text: fenceText(event), because: [], published: false, waiting: 0 });
  }

  /** Nothing happens (F-3), but the driver believes that some work ended twice. */
  #again(event: FenceEvent): void {
    if (containers.includes(event.text("driver"))) return;
    const { time, timelineName: stage } = event;
    const message = `signals ${fenceText(event)} again: dma_fence_signal answers EINVAL (F-3)`;
    const known = { stage, time, because: [because(event as unknown as TraceEvent, message)] };
    this.#findings.push(finding("dma-api-misuse", message, known));
  }

  #destroy(event: FenceEvent): void {
    const pending = this.#find(event.get("context"), event.get("seqno"));
    if (pending === undefined) return;
    this.#pending.get(event.get("context"))?.delete(event.get("seqno"));
    if (!pending.published) return;
    const text = `the last reference to ${pending.text} is put`;
    pending.because.push(because(event as unknown as TraceEvent, text));
    this.#note(pending, "was published and never signaled: its last reference is gone (F-34)", event.time);
  }

  #find(context: number, seqno: number): Pending | undefined {
    return this.#pending.get(context)?.get(seqno);
  }

  #note({ text, because }: Pending, what: string, time: number): void {
    const stage = because[0]?.timeline ?? null;
    const fix = ["signal it on every path, with an error where the work was not done"];
    this.#findings.push(finding("fence-never-signals", `${text} ${what}`, { stage, time, because, fix }));
  }
}

const fenceText = (event: FenceEvent): string =>
  `fence ${event.text("driver")} ${event.text("timeline")} seq ${event.get("seqno")}`;

const because = (event: TraceEvent, text: string): BecauseEvent => ({
  time: event.time,
  timeline: event.timelineName,
  event: `${event.point.system}:${event.point.name}`,
  text,
});
