// SPDX-License-Identifier: MIT

/** What is done to a buffer and its bounce buffer. Ranges are half-open offsets in the buffer. */
export interface BounceStep {
  readonly op:
    | "cpu-read"
    | "cpu-write"
    | "direct-read"
    | "direct-write"
    | "maintain"
    | "maintain-slot"
    | "map"
    | "copy-in"
    | "copy-out"
    | "device-read"
    | "device-write"
    | "unmap"
    | "unmap-copying";
  readonly kind: "clean" | "invalidate" | "flush";
  readonly range: readonly [number, number];
}

/** One moment: bytes in memory, then a tag and the bytes of each line of the CPU's cache, then the newest values. */
type Moment = Int16Array;

const ABSENT = 0;
const CLEAN = 1;
const DIRTY = 2;
const GARBAGE = -1;

/** What a step can do: for each byte of the buffer whether a read can see an older value, and whether the newest can be nowhere. */
export interface Outcome {
  readonly stale: readonly boolean[];
  readonly lost: readonly boolean[];
}

/**
 * A buffer, its bounce buffer and one CPU cache over both, byte by byte: real addresses (the buffer's bytes first, then as
 * many of the slot's), real copies that the CPU makes with loads and stores, and every execution of what a cache may do by
 * itself. It knows nothing about domains, freshness or copies of originals.
 */
export class BouncedMemory {
  readonly #size: number;
  readonly #line: number;
  readonly #speculates: boolean;
  readonly #port: "direct" | "snoop" | "snoop-allocate";
  #moments: Moment[];
  #mapped: readonly [number, number] | null = null;

  constructor(size: number, line: number, speculates: boolean, port: "direct" | "snoop" | "snoop-allocate") {
    this.#size = size;
    this.#line = line;
    this.#speculates = speculates;
    this.#port = port;
    const lines = (2 * size) / line;
    this.#moments = this.#closed([new Int16Array(2 * size + lines * (1 + line) + size)]);
  }

  perform({ op, kind, range: [start, end] }: BounceStep): Outcome {
    const stale = new Array<boolean>(this.#size).fill(false);
    if (op === "map") this.#mapped = [start, end];
    const after: Moment[] = [];
    const slot = this.#size;
    for (const before of this.#moments) {
      const ways = op === "device-write" && this.#port === "snoop-allocate" ? [false, true] : [false];
      for (const allocates of ways) {
        const now = before.slice();
        const reads = (load: (at: number) => number): void => {
          for (let at = start; at < end; at++) if (load(at) !== this.#newest(now, at)) stale[at] = true;
        };
        if (op === "cpu-read") reads((at) => this.#load(now, at));
        else if (op === "direct-read") reads((at) => now[at] as number);
        else if (op === "device-read")
          reads((at) => (this.#port === "direct" ? (now[slot + at] as number) : this.#peek(now, slot + at)));
        else if (op === "cpu-write" || op === "direct-write" || op === "device-write") {
          for (let at = start; at < end; at++) {
            const value = this.#newest(now, at) + 1;
            if (op === "cpu-write") this.#store(now, at, value);
            else if (op === "direct-write") now[at] = value;
            else if (this.#port === "direct") now[slot + at] = value;
            else if (allocates) this.#store(now, slot + at, value);
            else {
              this.#writeBack(now, slot + at);
              this.#drop(now, slot + at);
              now[slot + at] = value;
            }
            now[now.length - this.#size + at] = value;
          }
        } else if (op === "maintain" || op === "maintain-slot") {
          const base = op === "maintain" ? 0 : slot;
          for (let at = start; at < end; at++) {
            if (kind !== "invalidate") this.#writeBack(now, base + at);
            if (kind !== "clean") this.#drop(now, base + at);
          }
        } else {
          if (op === "map") {
            for (let at = start; at < end; at++) {
              this.#drop(now, slot + at);
              now[slot + at] = GARBAGE;
            }
          }
          for (let at = start; at < end; at++) {
            if (op === "map" || op === "copy-in") this.#store(now, slot + at, this.#load(now, at));
            if (op === "copy-out" || op === "unmap-copying") this.#store(now, at, this.#load(now, slot + at));
          }
        }
        after.push(now);
      }
    }
    if (op === "unmap" || op === "unmap-copying") this.#mapped = null;
    this.#moments = this.#closed(after);
    const lost = stale.map((_, at) => this.#moments.some((moment) => this.#isLost(moment, at)));
    return { stale, lost };
  }

  #newest(now: Moment, at: number): number {
    return now[now.length - this.#size + at] as number;
  }

  #isLost(now: Moment, at: number): boolean {
    const places = [at];
    if (this.#mapped !== null && at >= this.#mapped[0] && at < this.#mapped[1]) places.push(this.#size + at);
    const newest = this.#newest(now, at);
    return places.every((place) => now[place] !== newest && this.#peek(now, place) !== newest);
  }

  #lineOf(at: number): number {
    return 2 * this.#size + Math.floor(at / this.#line) * (1 + this.#line);
  }

  #peek(now: Moment, at: number): number {
    const line = this.#lineOf(at);
    return (now[line] === ABSENT ? now[at] : now[line + 1 + (at % this.#line)]) as number;
  }

  #fill(now: Moment, at: number): void {
    const line = this.#lineOf(at);
    if (now[line] !== ABSENT) return;
    const low = at - (at % this.#line);
    now[line] = CLEAN;
    now.set(now.slice(low, low + this.#line), line + 1);
  }

  #load(now: Moment, at: number): number {
    this.#fill(now, at);
    return this.#peek(now, at);
  }

  #store(now: Moment, at: number, value: number): void {
    this.#fill(now, at);
    const line = this.#lineOf(at);
    now[line] = DIRTY;
    now[line + 1 + (at % this.#line)] = value;
  }

  #writeBack(now: Moment, at: number): void {
    const line = this.#lineOf(at);
    if (now[line] !== DIRTY) return;
    now[line] = CLEAN;
    now.set(now.slice(line + 1, line + 1 + this.#line), at - (at % this.#line));
  }

  #drop(now: Moment, at: number): void {
    const line = this.#lineOf(at);
    now.fill(0, line, line + 1 + this.#line);
  }

  #closed(from: readonly Moment[]): Moment[] {
    const found = new Map<string, Moment>();
    for (const moment of from) found.set(moment.join(), moment);
    for (const moment of found.values()) {
      for (let at = 0; at < 2 * this.#size; at += this.#line) {
        const next = moment.slice();
        const tag = moment[this.#lineOf(at)];
        if (tag === DIRTY) this.#writeBack(next, at);
        else if (tag === CLEAN) this.#drop(next, at);
        else if (this.#speculates) this.#fill(next, at);
        const key = next.join();
        if (!found.has(key)) found.set(key, next);
      }
    }
    return [...found.values()];
  }
}
