// SPDX-License-Identifier: MIT

/** A cache of the concrete machine. */
export interface ConcreteDomain {
  readonly name: string;
  readonly line: number;
  readonly speculates: boolean;
  readonly evicts: boolean;
}

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
    this.domains.forEach(({ line: length, speculates, evicts }, domain) => {
      for (let line = 0; line < this.size; line += length) {
        const tag = state[this.#lineAt(domain, line)];
        if (tag === ABSENT && speculates) {
          events.push({ event: "fill", domain, line, state: this.#with(state, domain, line, this.#fill) });
        }
        if (tag === CLEAN && evicts) {
          events.push({ event: "drop", domain, line, state: this.#with(state, domain, line, this.#drop) });
        }
        if (tag === DIRTY && evicts) {
          const next = this.#with(state, domain, line, this.#writeBack);
          events.push({ event: "write-back", domain, line, state: next });
        }
      }
    });
    return events;
  }

  /** Every way in which the operation may go: a port that may allocate decides for each line that it writes to. */
  outcomes(
    state: ConcreteState,
    operation: ConcreteOperation,
    value: (address: number) => number,
  ): ConcreteOutcome[] {
    if (operation.kind !== "write" || operation.route !== "snoop-allocate") {
      return [this.perform(state, operation, value, () => false)];
    }
    const lines = this.#touched(operation);
    const outcomes: ConcreteOutcome[] = [];
    for (let choice = 0; choice < 2 ** lines.length; choice++) {
      const allocates = (line: number): boolean => ((choice >>> lines.indexOf(line)) & 1) === 1;
      outcomes.push(this.perform(state, operation, value, allocates));
    }
    return outcomes;
  }

  /** The operation, going one way: `allocates` tells for the first address of each line what an allocating port does. */
  perform(
    before: ConcreteState,
    operation: ConcreteOperation,
    value: (address: number) => number,
    allocates: (line: number) => boolean,
  ): ConcreteOutcome {
    const state = before.slice();
    const { kind, route, domain, start, end } = operation;
    const observed: number[] = [];
    if (kind === "read") {
      for (const line of route === "cached" ? this.#touched(operation) : []) this.#fill(state, domain, line);
      for (let address = start; address < end; address++) {
        const copy = route === "direct" ? null : this.copyAt(state, domain, address);
        observed.push(copy ?? this.memoryAt(state, address));
      }
    } else if (kind === "write") {
      const kept = new Set<number>();
      for (const line of route === "direct" ? [] : this.#touched(operation)) {
        if (route === "cached" || (route === "snoop-allocate" && allocates(line))) {
          kept.add(line);
          this.#fill(state, domain, line);
          state[this.#lineAt(domain, line)] = DIRTY;
        } else {
          this.#writeBack(state, domain, line);
          this.#drop(state, domain, line);
        }
      }
      for (let address = start; address < end; address++) {
        const line = domain < 0 ? -1 : address - (address % this.#line(domain));
        const at = kept.has(line) ? this.#lineAt(domain, line) + 1 + (address - line) : address;
        state[at] = value(address);
        state[this.size + address] = value(address);
      }
    } else {
      for (const line of this.#touched(operation)) {
        if (kind !== "invalidate") this.#writeBack(state, domain, line);
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

  #with(
    before: ConcreteState,
    domain: number,
    line: number,
    change: (state: ConcreteState, domain: number, line: number) => void,
  ): ConcreteState {
    const state = before.slice();
    change(state, domain, line);
    return state;
  }

  readonly #fill = (state: ConcreteState, domain: number, line: number): void => {
    const at = this.#lineAt(domain, line);
    if (state[at] !== ABSENT) return;
    state[at] = CLEAN;
    for (let i = 0; i < this.#line(domain); i++) state[at + 1 + i] = state[line + i] as number;
  };

  readonly #writeBack = (state: ConcreteState, domain: number, line: number): void => {
    const at = this.#lineAt(domain, line);
    if (state[at] !== DIRTY) return;
    state[at] = CLEAN;
    for (let i = 0; i < this.#line(domain); i++) state[line + i] = state[at + 1 + i] as number;
  };

  readonly #drop = (state: ConcreteState, domain: number, line: number): void => {
    const at = this.#lineAt(domain, line);
    state.fill(0, at, at + 1 + this.#line(domain));
  };
}
