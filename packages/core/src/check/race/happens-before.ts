// SPDX-License-Identifier: MIT
import { cacheMaintenance, cpuAccess, cpuDrain, dmaTrack } from "../../dma/dma-trace.ts";
import { memoryTypes } from "../../dma/memory-type.ts";
import { schedProcessWait, waitQueuePass, waitQueueWake } from "../../sim/sched-trace.ts";
import type { Trace, TraceEvent, TraceSubscriber } from "../../sim/trace.ts";
import type { TraceField, Tracepoint } from "../../sim/tracepoint.ts";
import {
  dmaFenceContents,
  dmaFenceDestroy,
  dmaFenceObserved,
  dmaFenceSignaled,
  dmaFenceWaitEnd,
} from "../../sync/dma-fence-trace.ts";
import { lockAcquired, lockRelease, resvAdd, resvReplace, resvSettled } from "../../sync/dma-resv-trace.ts";
import { FenceClocks, ResvClock } from "./fence-clock.ts";
import { TimelineClock } from "./timeline-clock.ts";
import { advanced, joined, knows, NOTHING, type VectorClock } from "./vector-clock.ts";

const WRITE_COMBINING = memoryTypes.indexOf("write-combining");

/** Acquire contexts are written as locks with this behind their name, and order nothing. */
const CONTEXT = "_acquire";

/**
 * Which event happens before which, from events alone, by vector clocks over timelines (Lamport 1978, Mattern 1989):
 * what one timeline does is ordered; an event comes after its cause (a submission before the job's start, a completion
 * before its handler, a wake-up, a spawn, an armed timer); a wait for a fence, or a look that finds it signaled, after
 * the signal; taking a lock after it was given back; passing a wait queue after the wake; joining a task after its end.
 *
 * A write through a write-combining mapping is in memory only when its timeline has drained its buffers; what happens
 * between the two does not tell others of it.
 *
 * Not modelled: other barriers, which a submission and a completion are taken to hold; a fence that signals only when
 * somebody asks its driver is ordered with whoever asked.
 */
export class HappensBefore {
  readonly #trace: Trace;
  readonly #timelines: TimelineClock[] = [];
  readonly #fences = new FenceClocks();
  readonly #resvs = new Map<number, ResvClock>();
  readonly #locks = new Map<number, VectorClock>();
  /** The last maintenance of each timeline. */
  #maintained: VectorClock = NOTHING;
  readonly #queues = new Map<number, VectorClock>();
  /** Writes that wait in write-combining buffers, by timeline. */
  readonly #waiting = new Map<number, number[]>();
  /** For each such write the event after which it is in memory; infinite until then. */
  readonly #drained = new Map<number, number>();
  /** What an event of each tracepoint means. */
  readonly #meanings: (((event: TraceEvent, own: TimelineClock) => void) | undefined)[] = [];

  /** @param first is called before each event is taken account of. */
  constructor(trace: Trace, first: () => void) {
    this.#trace = trace;
    this.#orderFences();
    this.#orderTasks();
    const note: TraceSubscriber = (event) => {
      first();
      this.#note(event);
    };
    trace.subscribe("*", note);
  }

  /** Whether the event `seq` of `timeline` happens before whatever `on` does next. */
  before(timeline: number, seq: number, on: number): boolean {
    return timeline === on || knows(this.#of(on).others, timeline, this.#drained.get(seq) ?? seq);
  }

  /** Whether only a drain of its write-combining buffers keeps the event from happening before what `on` does next. */
  lacksDrain(timeline: number, seq: number, on: number): boolean {
    return (
      this.#drained.has(seq) && knows(this.#of(on).others, timeline, seq) && !this.before(timeline, seq, on)
    );
  }

  /** Whether one event happens before another. */
  ordered(first: number, second: number): boolean {
    const { ring } = this.#trace;
    const by = ring.timelineOf(first);
    const on = ring.timelineOf(second);
    return by === on
      ? first <= second
      : knows(this.#of(on).at(second), by, this.#drained.get(first) ?? first);
  }

  #of(timeline: number): TimelineClock {
    let clock = this.#timelines[timeline];
    if (clock === undefined) {
      clock = new TimelineClock(timeline);
      this.#timelines[timeline] = clock;
    }
    return clock;
  }

  #note(event: TraceEvent): void {
    const { seq, timeline, cause } = event;
    const own = this.#of(timeline);
    const isFirst = own.last < 0;
    if (own.enter(seq, cause)) {
      if (cause >= 0 && this.#trace.ring.has(cause)) {
        const by = this.#trace.ring.timelineOf(cause);
        if (by !== timeline) own.learn(this.#of(by).at(cause));
      } else if (isFirst && timeline !== 0) own.learn(this.#of(0).now);
    }
    this.#meanings[event.point.id]?.(event, own);
  }

  #means<F extends readonly TraceField[]>(
    point: Tracepoint<F>,
    meaning: (event: TraceEvent<F>, own: TimelineClock) => void,
  ): void {
    this.#meanings[point.id] = meaning as unknown as (event: TraceEvent, own: TimelineClock) => void;
  }

  #orderFences(): void {
    this.#means(dmaFenceSignaled, (event, own) => {
      const fence = this.#fences.get(event.get("context"), event.get("seqno"));
      fence.signaled = own.now;
      for (const part of fence.parts) fence.signaled = joined(fence.signaled, part.signaled ?? NOTHING);
    });
    this.#means(dmaFenceDestroy, (event) => this.#fences.forget(event.get("context"), event.get("seqno")));
    this.#means(dmaFenceContents, (event) => {
      const container = this.#fences.get(event.get("context"), event.get("seqno"));
      container.parts.push(this.#fences.get(event.get("part_context"), event.get("part_seqno")));
    });
    for (const point of [dmaFenceWaitEnd, dmaFenceObserved] as const) {
      this.#means<typeof dmaFenceObserved.fields>(point as typeof dmaFenceObserved, (event, own) => {
        const { signaled } = this.#fences.get(event.get("context"), event.get("seqno"));
        if (signaled !== null) own.learn(signaled);
      });
    }
    this.#means(resvAdd, (event) => this.#publish(event));
    this.#means(resvReplace, (event) => this.#publish(event));
    this.#means(resvSettled, (event, own) => {
      const resv = this.#resvs.get(event.get("resv"));
      if (resv !== undefined) own.learn(resv.settled(own.others, event.timeline, event.get("usage")));
    });
  }

  #publish(event: TraceEvent<typeof resvAdd.fields> | TraceEvent<typeof resvReplace.fields>): void {
    const index = event.get("resv");
    let resv = this.#resvs.get(index);
    if (resv === undefined) {
      resv = new ResvClock();
      this.#resvs.set(index, resv);
    }
    const context = event.get("context");
    const fence = this.#fences.get(context, event.get("seqno"));
    const { timeline, seq } = event;
    resv.publish({ context, usage: event.get("usage"), fence, timeline, seq });
  }

  #orderTasks(): void {
    const lockOf = (event: TraceEvent<typeof lockAcquired.fields>): number =>
      event.get("name") * 2 ** 32 + event.get("lockdep_addr");
    this.#means(lockAcquired, (event, own) => own.learn(this.#locks.get(lockOf(event)) ?? NOTHING));
    this.#means(lockRelease, (event, own) => {
      if (!event.text("name").endsWith(CONTEXT)) this.#locks.set(lockOf(event), own.now);
    });
    this.#means(cpuAccess, (event) => {
      if (event.get("type") !== WRITE_COMBINING || event.text("kind") === "read") return;
      this.#drained.set(event.seq, Number.POSITIVE_INFINITY);
      const waiting = this.#waiting.get(event.timeline);
      if (waiting === undefined) this.#waiting.set(event.timeline, [event.seq]);
      else waiting.push(event.seq);
    });
    this.#means(cpuDrain, ({ timeline, seq }) => {
      for (const write of this.#waiting.get(timeline) ?? []) this.#drained.set(write, seq);
      this.#waiting.delete(timeline);
    });
    this.#means(cacheMaintenance, ({ timeline, seq }) => {
      this.#maintained = advanced(this.#maintained, timeline, seq);
    });
    this.#means(dmaTrack, (_event, own) => own.learn(this.#maintained));
    this.#means(waitQueueWake, (event, own) => {
      const queue = event.get("queue");
      this.#queues.set(queue, joined(this.#queues.get(queue) ?? NOTHING, own.now));
    });
    this.#means(waitQueuePass, (event, own) => own.learn(this.#queues.get(event.get("queue")) ?? NOTHING));
    this.#means(schedProcessWait, (event, own) => own.learn(this.#of(event.get("pid")).now));
  }
}
