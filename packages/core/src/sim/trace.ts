// SPDX-License-Identifier: MIT
import type { Clock } from "./clock.ts";
import { TraceRing } from "./trace-ring.ts";
import {
  type FieldValues,
  MAX_TRACEPOINTS,
  type StringId,
  type TraceField,
  type Tracepoint,
} from "./tracepoint.ts";

/** An event as a checker sees it: a reader over the trace, valid as long as the trace holds the event. */
export class TraceEvent<F extends readonly TraceField[] = readonly TraceField[]> {
  /** Sequence number, counted from 0 in the order of emission. */
  readonly seq: number;
  /** What kind of event it is. */
  readonly point: Tracepoint<F>;
  readonly #trace: Trace;

  constructor(trace: Trace, seq: number, point: Tracepoint<F>) {
    this.#trace = trace;
    this.seq = seq;
    this.point = point;
  }

  /** Virtual time in ns. */
  get time(): number {
    return this.#trace.ring.timeOf(this.seq);
  }

  /** Id of the timeline it happened on. */
  get timeline(): number {
    return this.#trace.ring.timelineOf(this.seq);
  }

  /** Name of the timeline it happened on. */
  get timelineName(): string {
    return this.#trace.timelineName(this.timeline);
  }

  /** Sequence number of the event that made this timeline act (a wake-up, a submission), or -1. */
  get cause(): number {
    return this.#trace.ring.causeOf(this.seq);
  }

  /** The number in a field; throws `TypeError` for a field the event does not have. */
  get(field: F[number][0]): number {
    return this.#trace.ring.fieldOf(this.seq, this.point.indexOf(field));
  }

  /** A field as text: a string, a symbol, an address in hexadecimal, or the number. */
  text(field: F[number][0]): string {
    const index = this.point.indexOf(field);
    const value = this.#trace.ring.fieldOf(this.seq, index);
    const kind = (this.point.fields[index] as TraceField)[1];
    if (kind === "string") return this.#trace.string(value as StringId);
    if (kind === "address") return `0x${value.toString(16)}`;
    if (kind === "boolean") return value === 0 ? "false" : "true";
    return typeof kind === "string" ? String(value) : (kind[value] ?? String(value));
  }

  /** The event as ftrace prints it: `dma_fence_init: driver=usb0 timeline=ep1in context=4 seqno=1`. */
  toString(): string {
    return `${this.point.name}: ${this.point.fields.map(([name]) => `${name}=${this.text(name)}`).join(" ")}`;
  }
}

/** Called with every event of what was subscribed to. */
export type TraceSubscriber<F extends readonly TraceField[] = readonly TraceField[]> = (
  event: TraceEvent<F>,
) => void;

/**
 * The trace of one simulation. An event is written when somebody subscribed to its tracepoint or `record` was called;
 * otherwise an emission is a test of two flags. The scheduler says which timeline runs and why.
 */
export class Trace {
  /** The stored events. */
  readonly ring = new TraceRing();
  readonly #clock: Clock;
  readonly #strings: string[] = [];
  readonly #ids = new Map<string, StringId>();
  readonly #timelines: string[] = [];
  readonly #points: (Tracepoint | undefined)[] = [];
  readonly #subscribers: (readonly TraceSubscriber[] | undefined)[] = [];
  #everything: readonly TraceSubscriber[] = [];
  /** For each tracepoint that has subscribers of its own: these, then the subscribers to everything. */
  readonly #calls: (readonly TraceSubscriber[] | undefined)[] = [];
  /** Which tracepoints are written. */
  readonly #active = new Uint8Array(MAX_TRACEPOINTS);
  /** Whether none is: what a long run without checkers asks at every event. */
  #quiet = true;
  #recording = false;
  #timeline = 0;
  #trigger = -1;
  #last = -1;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.addTimeline("setup");
    this.intern("");
  }

  /** Keeps the last `events` events (default: a million) of every tracepoint for reading afterwards. */
  record(events = 2 ** 20): void {
    this.ring.keep(events);
    this.#recording = true;
    this.#active.fill(1);
    this.#quiet = false;
  }

  /** Whether an emission of this tracepoint would be written; asks before a costly argument is worked out. */
  wants(point: Tracepoint): boolean {
    return !this.#quiet && this.#active[point.id] === 1;
  }

  /** Calls `subscriber` with every event of the tracepoint (or of all, for `"*"`); returns the undo. */
  subscribe<F extends readonly TraceField[]>(
    point: Tracepoint<F>,
    subscriber: TraceSubscriber<F>,
  ): () => void;
  subscribe(point: "*", subscriber: TraceSubscriber): () => void;
  subscribe(point: Tracepoint | "*", subscriber: TraceSubscriber<never> | TraceSubscriber): () => void {
    const called = subscriber as TraceSubscriber;
    this.#change(point, (list) => [...list, called]);
    let subscribed = true;
    return () => {
      if (!subscribed) return;
      subscribed = false;
      this.#change(point, (list) => list.toSpliced(list.indexOf(called), 1));
    };
  }

  /**
   * Writes an event with one number a field and calls the subscribers; returns its sequence number, or -1 when nobody
   * wanted it. Its cause is the event that made the running timeline act.
   */
  emit<F extends readonly TraceField[]>(point: Tracepoint<F>, ...values: FieldValues<F>): number;
  emit(point: Tracepoint, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0): number {
    if (this.#quiet || this.#active[point.id] !== 1) return -1;
    return this.#write(this.#trigger, point, a, b, c, d, e, f, g, h);
  }

  /** As `emit`, with the cause said: the sequence number of the event that is to blame, or -1. */
  emitCaused<F extends readonly TraceField[]>(
    cause: number,
    point: Tracepoint<F>,
    ...values: FieldValues<F>
  ): number;
  emitCaused(
    cause: number,
    point: Tracepoint,
    a = 0,
    b = 0,
    c = 0,
    d = 0,
    e = 0,
    f = 0,
    g = 0,
    h = 0,
  ): number {
    if (this.#quiet || this.#active[point.id] !== 1) return -1;
    return this.#write(cause, point, a, b, c, d, e, f, g, h);
  }

  /** The event with this sequence number, or undefined when it was never written or is overwritten by now. */
  at(seq: number): TraceEvent | undefined {
    if (!this.ring.has(seq)) return undefined;
    return new TraceEvent(this, seq, this.#points[this.ring.pointOf(seq)] as Tracepoint);
  }

  /** The stored events from `seq` on, in order. */
  *events(seq = 0): Generator<TraceEvent, void, void> {
    for (let at = Math.max(seq, this.ring.first); at < this.ring.next; at++) yield this.at(at) as TraceEvent;
  }

  /** The event and what caused it, and what caused that: newest first, as far as the trace reaches. */
  because(seq: number): TraceEvent[] {
    const chain: TraceEvent[] = [];
    for (let event = this.at(seq); event !== undefined; event = this.at(event.cause)) {
      // A cause comes before its effect; one that was said wrongly must not make a circle.
      if (event.seq >= (chain.at(-1)?.seq ?? Number.POSITIVE_INFINITY)) break;
      chain.push(event);
    }
    return chain;
  }

  /** The id under which the trace knows a string. */
  intern(text: string): StringId {
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    const id = this.#strings.length as StringId;
    this.#strings.push(text);
    this.#ids.set(text, id);
    return id;
  }

  /** The string with this id. */
  string(id: StringId): string {
    return this.#strings[id] ?? "";
  }

  /** Gives a timeline (a task, an engine) an id for its events. Id 0 is `setup`: what runs outside every task. */
  addTimeline(name: string): number {
    return this.#timelines.push(name) - 1;
  }

  /** The name of a timeline. */
  timelineName(id: number): string {
    return this.#timelines[id] ?? "";
  }

  /** Id of the timeline that runs now. */
  get timeline(): number {
    return this.#timeline;
  }

  /** The newest event of the running stretch, or what triggered it: the cause of whatever is woken or submitted now. */
  get context(): number {
    return this.#last;
  }

  /** Says that a timeline begins to act because of the event `trigger`. For the scheduler and the engines. */
  enter(timeline: number, trigger: number): void {
    this.#timeline = timeline;
    this.#trigger = trigger;
    this.#last = trigger;
  }

  #write(
    cause: number,
    point: Tracepoint,
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
    f: number,
    g: number,
    h: number,
  ): number {
    const count = point.fields.length;
    const seq = this.ring.write(
      point.id,
      this.#clock.now,
      this.#timeline,
      cause,
      count,
      a,
      b,
      c,
      d,
      e,
      f,
      g,
      h,
    );
    this.#points[point.id] = point;
    this.#last = seq;
    const subscribers = this.#calls[point.id] ?? this.#everything;
    if (subscribers.length > 0) {
      const event = new TraceEvent(this, seq, point);
      for (const subscriber of subscribers) subscriber(event);
    }
    return seq;
  }

  /** The lists that dispatching walks are replaced, never changed: a subscriber may subscribe or leave while called. */
  #change(
    point: Tracepoint | "*",
    change: (list: readonly TraceSubscriber[]) => readonly TraceSubscriber[],
  ): void {
    if (point === "*") this.#everything = change(this.#everything);
    else this.#subscribers[point.id] = change(this.#subscribers[point.id] ?? []);
    this.#active.fill(this.#recording || this.#everything.length > 0 ? 1 : 0);
    this.#calls.length = 0;
    for (const [id, list] of this.#subscribers.entries()) {
      if (list === undefined || list.length === 0) continue;
      this.#calls[id] = [...list, ...this.#everything];
      this.#active[id] = 1;
    }
    this.#quiet = !this.#active.includes(1);
  }
}
