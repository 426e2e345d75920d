// SPDX-License-Identifier: MIT

/** A cache of the concrete machine. */
export interface ConcreteDomain {
  readonly name: string;
  readonly line: number;
  readonly speculates: boolean;
  readonly evicts: boolean;
  /** Index of the domain behind this one, or -1 for memory. */
  readonly behind: number;
  readonly exclusive: boolean;
}

/** Whether a domain that is asked takes in a line that it does not hold, by the address of its first byte. */
export type Choose = (domain: number, line: number) => boolean;

/** An operation on the bytes [start, end). `domain` is the index of a domain, or -1 for a direct access. */
export interface ConcreteOperation {
  readonly kind: "read" | "write" | "clean" | "invalidate" | "flush";
  readonly route: "direct" | "cached" | "snoop" | "snoop-allocate" | null;
  readonly domain: number;
  readonly start: number;
  readonly end: number;
}

/** Something that a line did by itself. */
export interface ConcreteEvent {
  readonly event: "write-back" | "drop" | "fill";
  readonly domain: number;
  /** Address of the line's first byte. */
  readonly line: number;
  readonly state: ConcreteState;
}

/** One way in which an operation went. */
export interface ConcreteOutcome {
  readonly state: ConcreteState;
  /** What a read observed, a value a byte from `start`; empty for everything else. */
  readonly observed: readonly number[];
}

/** Everything that comes of all answers to all questions that something asks. */
function everyChoice<T>(run: (choose: Choose) => T): T[] {
  const results: T[] = [];
  const answers: boolean[] = [];
  for (;;) {
    let asked = 0;
    results.push(
      run(() => {
        if (asked === answers.length) answers.push(false);
        return answers[asked++] as boolean;
      }),
    );
    while (answers.at(-1) === true) answers.pop();
    if (answers.length === 0) return results;
    answers[answers.length - 1] = true;
  }
}

/**
 * All bytes of the machine in one array: memory, the newest value of each byte, then each line of each domain as a tag
 * (0 absent, 1 clean, 2 dirty) and its bytes, which are zero while it is absent.
 */
export type ConcreteState = Uint8Array;

const ABSENT = 0;
const CLEAN = 1;
const DIRTY = 2;

/**
 * What the coherency engine abstracts from, written down a second time and as plainly as possible: `size` bytes of
 * memory, real lines that hold real bytes, and nothing that knows about freshness. Shares no code with the engine.
 */
export class ConcreteMachine {
  readonly domains: readonly ConcreteDomain[];
  readonly size: number;
  readonly #bases: number[] = [];
  readonly #length: number;

  /** `size` is a multiple of every line. */
  constructor(domains: readonly ConcreteDomain[], size: number) {
    this.domains = domains;
    this.size = size;
    let length = 2 * size;
    for (const { line } of domains) {
      if (size % line !== 0) throw new TypeError(`${size} bytes are not whole lines of ${line}`);
      this.#bases.push(length);
      length += (size / line) * (1 + line);
    }
    this.#length = length;
  }

  /** Memory holds zeroes, which are the newest values, and nobody caches anything. */
  initial(): ConcreteState {
    return new Uint8Array(this.#length);
  }

  /** The byte in memory. */
  memoryAt(state: ConcreteState, address: number): number {
    return state[address] as number;
  }

  /** The newest value of the byte. */
  newestAt(state: ConcreteState, address: number): number {
    return state[this.size + address] as number;
  }

  /** The byte in a domain's line, or null where the line is absent. */
  copyAt(state: ConcreteState, domain: number, address: number): number | null {
    const at = this.#lineAt(domain, address);
    return state[at] === ABSENT ? null : (state[at + 1 + (address % this.#line(domain))] as number);
  }

  /** Whether the domain's line is there and has to be written back. */
  isDirty(state: ConcreteState, domain: number, address: number): boolean {
    return state[this.#lineAt(domain, address)] === DIRTY;
  }

  /** Whether the byte's newest value is nowhere. */
  isLost(state: ConcreteState, address: number): boolean {
    const newest = this.newestAt(state, address);
    return !this.#places(state, address).some((at) => state[at] === newest);
  }

  /** Replaces the values of a byte by their rank among themselves, in the state itself. */
  renumber(state: ConcreteState, address: number): void {
    const places = this.#places(state, address);
    places.push(this.size + address);
    const values = places.map((at) => state[at] as number);
    for (const [i, at] of places.entries()) {
      let rank = 0;
      for (const [k, value] of values.entries()) {
        if (value < (values[i] as number) && values.indexOf(value) === k) rank++;
      }
      state[at] = rank;
    }
  }

  /** Everything that may happen by itself now. */
  events(state: ConcreteState): ConcreteEvent[] {
    const events: ConcreteEvent[] = [];
    this.domains.forEach(({ line: length }, domain) => {
      for (let line = 0; line < this.size; line += length) {
        for (const event of ["fill", "drop", "write-back"] as const) {
          for (const next of everyChoice((choose) => this.happen(state, event, domain, line, choose)))
            if (next !== null) events.push({ event, domain, line, state: next });
        }
      }
    });
    return events;
  }

  /** What comes of an event, or null where it is impossible. */
  happen(
    before: ConcreteState,
    event: ConcreteEvent["event"],
    domain: number,
    line: number,
    choose: Choose,
  ): ConcreteState | null {
    const { speculates, evicts, behind } = this.domains[domain] as ConcreteDomain;
    const tag = before[this.#lineAt(domain, line)];
    if (event === "fill" ? tag !== ABSENT || !speculates : !evicts) return null;
    if (event !== "fill" && tag !== (event === "drop" ? CLEAN : DIRTY)) return null;
    const state = before.slice();
    if (event === "fill") this.#fill(state, domain, line, choose);
    else if (event === "write-back") this.#writeBack(state, domain, line, choose);
    else {
      const at = this.#lineAt(domain, line);
      const bytes = state.slice(at + 1, at + 1 + this.#line(domain));
      this.#drop(state, domain, line);
      if (behind >= 0 && this.domains[behind]?.exclusive) {
        const victim = this.#lineAt(behind, line);
        if (state[victim] === ABSENT && choose(behind, line)) {
          state[victim] = CLEAN;
          state.set(bytes, victim + 1);
        }
      }
    }
    return state;
  }

  /** Every way in which the operation may go. */
  outcomes(
    state: ConcreteState,
    operation: ConcreteOperation,
    value: (address: number) => number,
  ): ConcreteOutcome[] {
    return everyChoice((choose) => this.perform(state, operation, value, choose));
  }

  /** The operation, going one way: `choose` tells of each line that a port or a cache may take in whether it does. */
  perform(
    before: ConcreteState,
    operation: ConcreteOperation,
    value: (address: number) => number,
    choose: Choose,
  ): ConcreteOutcome {
    const state = before.slice();
    const { kind, route, domain, start, end } = operation;
    const observed: number[] = [];
    if (kind === "read") {
      for (const line of route === "cached" ? this.#touched(operation) : [])
        this.#fill(state, domain, line, choose);
      for (let address = start; address < end; address++) observed.push(this.#seen(state, domain, address));
    } else if (kind === "write") {
      const touched = route === "direct" ? [0] : this.#touched(operation);
      for (const line of touched) {
        const from = route === "direct" ? start : Math.max(start, line);
        const to = route === "direct" ? end : Math.min(end, line + this.#line(domain));
        const bytes = Array.from({ length: to - from }, (_, i) => value(from + i));
        if (route === "cached" || (route === "snoop-allocate" && choose(domain, line))) {
          this.#fill(state, domain, line, choose);
          this.#store(state, domain, from, bytes);
        } else if (route === "direct") state.set(bytes, from);
        else {
          this.#writeBack(state, domain, line, choose);
          this.#drop(state, domain, line);
          this.#push(state, this.#behind(domain), from, bytes, true, choose);
        }
        state.set(bytes, this.size + from);
      }
    } else {
      for (const line of this.#touched(operation)) {
        if (kind !== "invalidate") this.#writeBack(state, domain, line, choose);
        if (kind !== "clean") this.#drop(state, domain, line);
      }
    }
    return { state, observed };
  }

  /** Where the byte is held. */
  #places(state: ConcreteState, address: number): number[] {
    const places = [address];
    this.domains.forEach(({ line }, domain) => {
      const at = this.#lineAt(domain, address);
      if (state[at] !== ABSENT) places.push(at + 1 + (address % line));
    });
    return places;
  }

  #line(domain: number): number {
    return (this.domains[domain] as ConcreteDomain).line;
  }

  #behind(domain: number): number {
    return (this.domains[domain] as ConcreteDomain).behind;
  }

  /** What a read sees that begins at a domain and leaves nothing behind; -1 is memory. */
  #seen(state: ConcreteState, domain: number, address: number): number {
    if (domain < 0) return this.memoryAt(state, address);
    return this.copyAt(state, domain, address) ?? this.#seen(state, this.#behind(domain), address);
  }

  #lineAt(domain: number, address: number): number {
    const length = this.#line(domain);
    return (this.#bases[domain] as number) + Math.floor(address / length) * (1 + length);
  }

  #touched({ domain, start, end }: ConcreteOperation): number[] {
    const lines: number[] = [];
    const length = this.#line(domain);
    for (let line = 0; line < this.size; line += length) {
      if (line < end && line + length > start) lines.push(line);
    }
    return lines;
  }

  /** The parts of some bytes that lie in different lines of a domain: where each begins, its line and its bytes. */
  #parts(domain: number, from: number, count: number): { from: number; line: number; count: number }[] {
    const length = this.#line(domain);
    const parts: { from: number; line: number; count: number }[] = [];
    for (let at = from; at < from + count; ) {
      const line = at - (at % length);
      const stop = Math.min(from + count, line + length);
      parts.push({ from: at, line, count: stop - at });
      at = stop;
    }
    return parts;
  }

  #fill(state: ConcreteState, domain: number, line: number, choose: Choose): void {
    const at = this.#lineAt(domain, line);
    if (state[at] !== ABSENT) return;
    const bytes = this.#fetch(state, this.#behind(domain), line, this.#line(domain), choose);
    state[at] = CLEAN;
    state.set(bytes, at + 1);
  }

  /** Bytes as a fill gets them from a domain or from behind it; a domain that they come past may take the line in. */
  #fetch(state: ConcreteState, domain: number, from: number, count: number, choose: Choose): number[] {
    if (domain < 0) return [...state.subarray(from, from + count)];
    return this.#parts(domain, from, count).flatMap((part) => {
      const at = this.#lineAt(domain, part.line);
      if (state[at] === ABSENT) {
        if (!choose(domain, part.line))
          return this.#fetch(state, this.#behind(domain), part.from, part.count, choose);
        this.#fill(state, domain, part.line, choose);
      }
      const first = at + 1 + part.from - part.line;
      return [...state.subarray(first, first + part.count)];
    });
  }

  #writeBack(state: ConcreteState, domain: number, line: number, choose: Choose): void {
    const at = this.#lineAt(domain, line);
    if (state[at] !== DIRTY) return;
    state[at] = CLEAN;
    const bytes = [...state.subarray(at + 1, at + 1 + this.#line(domain))];
    this.#push(state, this.#behind(domain), line, bytes, false, choose);
  }

  /**
   * Bytes go outwards: into a domain that holds their line, else into it or past it. An access fetches the line that it
   * writes to, a write-back only where it does not have all of it.
   */
  #push(
    state: ConcreteState,
    domain: number,
    from: number,
    bytes: readonly number[],
    fetches: boolean,
    choose: Choose,
  ): void {
    if (domain < 0) {
      state.set(bytes, from);
      return;
    }
    for (const part of this.#parts(domain, from, bytes.length)) {
      const own = bytes.slice(part.from - from, part.from - from + part.count);
      const at = this.#lineAt(domain, part.line);
      if (state[at] === ABSENT) {
        if (!choose(domain, part.line)) {
          this.#push(state, this.#behind(domain), part.from, own, fetches, choose);
          continue;
        }
        if (fetches || part.count < this.#line(domain)) this.#fill(state, domain, part.line, choose);
      }
      this.#store(state, domain, part.from, own);
    }
  }

  /** Bytes of one line are stored in it. */
  #store(state: ConcreteState, domain: number, from: number, bytes: readonly number[]): void {
    const line = from - (from % this.#line(domain));
    const at = this.#lineAt(domain, line);
    state[at] = DIRTY;
    state.set(bytes, at + 1 + from - line);
  }

  #drop(state: ConcreteState, domain: number, line: number): void {
    const at = this.#lineAt(domain, line);
    state.fill(0, at, at + 1 + this.#line(domain));
  }
}
