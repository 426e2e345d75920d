// SPDX-License-Identifier: MIT
import { MAX_FIELDS } from "./tracepoint.ts";

/**
 * The events as a structure of arrays, addressed by sequence number. It grows by doubling up to its limit and then
 * overwrites the oldest: no object is made for an event.
 */
export class TraceRing {
  #points = new Uint16Array(256);
  #times = new Float64Array(256);
  #timelines = new Int32Array(256);
  #causes = new Float64Array(256);
  #fields = new Float64Array(256 * MAX_FIELDS);
  #capacity = 256;
  #limit = 256;
  #next = 0;

  /** Sequence number of the next event. */
  get next(): number {
    return this.#next;
  }

  /** Sequence number of the oldest event that can still be read. */
  get first(): number {
    return Math.max(0, this.#next - this.#capacity);
  }

  /** Lets the ring grow until it holds `events` (rounded up to a power of two; it never shrinks). */
  keep(events: number): void {
    let limit = this.#limit;
    while (limit < events) limit *= 2;
    this.#limit = limit;
  }

  /** Writes an event and returns its sequence number. */
  write(
    point: number,
    time: number,
    timeline: number,
    cause: number,
    count: number,
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
    f: number,
    g: number,
    h: number,
  ): number {
    const seq = this.#next;
    if (seq >= this.#capacity && this.#capacity < this.#limit) this.#grow();
    this.#next = seq + 1;
    const slot = seq & (this.#capacity - 1);
    this.#points[slot] = point;
    this.#times[slot] = time;
    this.#timelines[slot] = timeline;
    this.#causes[slot] = cause;
    const fields = this.#fields;
    const at = slot * MAX_FIELDS;
    fields[at] = a;
    fields[at + 1] = b;
    fields[at + 2] = c;
    fields[at + 3] = d;
    if (count > 4) {
      fields[at + 4] = e;
      fields[at + 5] = f;
      fields[at + 6] = g;
      fields[at + 7] = h;
    }
    return seq;
  }

  /** Whether the event can still be read. */
  has(seq: number): boolean {
    return seq >= this.first && seq < this.#next;
  }

  /** The tracepoint's id. */
  pointOf(seq: number): number {
    return this.#points[this.#slotOf(seq)] as number;
  }

  /** The virtual time in ns. */
  timeOf(seq: number): number {
    return this.#times[this.#slotOf(seq)] as number;
  }

  /** The timeline's id. */
  timelineOf(seq: number): number {
    return this.#timelines[this.#slotOf(seq)] as number;
  }

  /** The sequence number of the causing event, or -1. */
  causeOf(seq: number): number {
    return this.#causes[this.#slotOf(seq)] as number;
  }

  /** The number in the field at `index`. */
  fieldOf(seq: number, index: number): number {
    return this.#fields[this.#slotOf(seq) * MAX_FIELDS + index] as number;
  }

  #slotOf(seq: number): number {
    if (!this.has(seq))
      throw new TypeError(`event ${seq} is not in the trace: it holds [${this.first}, ${this.#next})`);
    return seq & (this.#capacity - 1);
  }

  #grow(): void {
    const old = this.#capacity;
    const capacity = 2 * old;
    const points = new Uint16Array(capacity);
    const times = new Float64Array(capacity);
    const timelines = new Int32Array(capacity);
    const causes = new Float64Array(capacity);
    const fields = new Float64Array(capacity * MAX_FIELDS);
    for (let seq = this.first; seq < this.#next; seq++) {
      const from = seq & (old - 1);
      const to = seq & (capacity - 1);
      points[to] = this.#points[from] as number;
      times[to] = this.#times[from] as number;
      timelines[to] = this.#timelines[from] as number;
      causes[to] = this.#causes[from] as number;
      for (let i = 0; i < MAX_FIELDS; i++) {
        fields[to * MAX_FIELDS + i] = this.#fields[from * MAX_FIELDS + i] as number;
      }
    }
    this.#points = points;
    this.#times = times;
    this.#timelines = timelines;
    this.#causes = causes;
    this.#fields = fields;
    this.#capacity = capacity;
  }
}
