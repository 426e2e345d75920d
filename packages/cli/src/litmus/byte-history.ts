// SPDX-License-Identifier: MIT
import type {
  Choice,
  LitmusHazard,
  RouteSpec,
  TimedLitmusProgram,
  WitnessStep,
} from "@dmabuf/core/coherency";

/** One cache's copy of the byte: the newest value or an older one, and whether it still has to be written back. */
export interface CachedByte {
  readonly fresh: boolean;
  readonly dirty: boolean;
}

/** Where the byte's values are after one step of a witness. */
export interface HistoryRow {
  /** What happened; null for the start. */
  readonly step: WitnessStep | null;
  /** Memory holds the newest value. */
  readonly memory: boolean;
  /** Each domain's copy by name; null where the line is absent. */
  readonly copies: ReadonlyMap<string, CachedByte | null>;
}

/**
 * What happens to one byte along the witness of a hazard, row by row from memory fresh and empty caches. It follows
 * the tables of COHERENCY directly and shares no code with the engine: what a story shows is a second opinion.
 */
export function byteHistory(program: TimedLitmusProgram, hazard: LitmusHazard): HistoryRow[] {
  const history = new ByteHistory(program, hazard.byte);
  const rows = [history.row(null)];
  for (const step of hazard.witness) {
    if (step.kind === "event") history.happen(step.event, step.domain, step.choices);
    else history.perform(step.step, step.choices);
    rows.push(history.row(step));
  }
  return rows;
}

/** The domain whose line a read through `domain` takes the byte from, looking from it outwards; null is memory. */
export function holderOf(
  { domains }: TimedLitmusProgram,
  domain: string,
  { copies }: HistoryRow,
): string | null {
  for (let at: string | undefined = domain; at !== undefined; at = domains[at]?.behind)
    if (copies.get(at) != null) return at;
  return null;
}

class ByteHistory {
  readonly #program: TimedLitmusProgram;
  readonly #byte: number;
  readonly #copies: Map<string, CachedByte | null>;
  #memory = true;
  #choices: Choice[] = [];

  constructor(program: TimedLitmusProgram, byte: number) {
    this.#program = program;
    this.#byte = byte;
    this.#copies = new Map(Object.keys(program.domains).map((name) => [name, null]));
  }

  row(step: WitnessStep | null): HistoryRow {
    return { step, memory: this.#memory, copies: new Map(this.#copies) };
  }

  happen(event: "write-back" | "drop" | "fill", domain: string, choices: readonly Choice[]): void {
    this.#choices = [...choices];
    if (event === "write-back") this.#clean(domain);
    else if (event === "drop") this.#drop(domain);
    else this.#fill(domain);
  }

  perform(index: number, choices: readonly Choice[]): void {
    this.#choices = [...choices];
    const step = this.#program.steps[index];
    if (step === undefined || !("range" in step)) return;
    const [start, end] = step.range;
    const hit = this.#byte >= start && this.#byte < end;
    if (!("agent" in step)) {
      if (!this.#touches(step.domain, step.range)) return;
      if (step.op !== "invalidate") this.#clean(step.domain);
      if (step.op !== "clean") this.#copies.set(step.domain, null);
      return;
    }
    const route = this.#program.agents[step.agent] as RouteSpec;
    if (route.route === "direct") {
      if (hit && step.op === "write") this.#newest(null);
      return;
    }
    if (!this.#touches(route.domain, step.range)) return;
    if (step.op === "read") {
      if (route.route === "cached") this.#fill(route.domain);
      return;
    }
    const place = this.#placeFor(route);
    if (hit) this.#newest(place);
    if (place !== null) this.#set(place, this.#copies.get(place)?.fresh === true, true);
  }

  /** The cache that a write goes to, which now holds the line, or null for memory. */
  #placeFor(route: Exclude<RouteSpec, { readonly route: "direct" }>): string | null {
    const { domain } = route;
    if (route.route === "cached" || (route.writes === "allocate" && this.#takes(domain))) {
      this.#fill(domain);
      return domain;
    }
    this.#clean(domain);
    this.#copies.set(domain, null);
    for (let at = this.#behind(domain); at !== undefined; at = this.#behind(at)) {
      if (this.#copies.get(at) == null && !this.#takes(at)) continue;
      this.#fill(at);
      return at;
    }
    return null;
  }

  #touches(domain: string, [start, end]: readonly [number, number]): boolean {
    const line = this.#program.domains[domain]?.line ?? 1;
    const first = this.#byte - (this.#byte % line);
    return first < end && start < first + line;
  }

  #behind(domain: string): string | undefined {
    return this.#program.domains[domain]?.behind;
  }

  /** What the witness says that a domain does with a line that it does not hold and may take in. */
  #takes(domain: string): boolean {
    const [next] = this.#choices;
    if (next?.domain !== domain) return false;
    this.#choices.shift();
    return next.allocates;
  }

  #set(domain: string, fresh: boolean, dirty: boolean): void {
    this.#copies.set(domain, { fresh, dirty });
  }

  #clean(domain: string): void {
    const copy = this.#copies.get(domain);
    if (!copy?.dirty) return;
    this.#set(domain, copy.fresh, false);
    let into = this.#behind(domain);
    while (into !== undefined && this.#copies.get(into) == null && !this.#takes(into))
      into = this.#behind(into);
    if (into === undefined) this.#memory = copy.fresh;
    else this.#set(into, copy.fresh, true);
  }

  #drop(domain: string): void {
    const copy = this.#copies.get(domain);
    const behind = this.#behind(domain);
    this.#copies.set(domain, null);
    if (copy == null || behind === undefined || this.#program.domains[behind]?.exclusive !== true) return;
    if (this.#copies.get(behind) == null && this.#takes(behind)) this.#set(behind, copy.fresh, false);
  }

  #fill(domain: string): void {
    if (this.#copies.get(domain) === null) this.#set(domain, this.#fetched(this.#behind(domain)), false);
  }

  /** Whether a fill gets the newest value from a domain or from behind it; one that it comes past may take the line. */
  #fetched(domain: string | undefined): boolean {
    if (domain === undefined) return this.#memory;
    const copy = this.#copies.get(domain);
    if (copy != null) return copy.fresh;
    const takes = this.#takes(domain);
    const fresh = this.#fetched(this.#behind(domain));
    if (takes) this.#set(domain, fresh, false);
    return fresh;
  }

  /** A new value exists, in one domain's line or, for null, in memory; every other copy is old from now on. */
  #newest(domain: string | null): void {
    this.#memory = domain === null;
    for (const [name, copy] of this.#copies) {
      if (name === domain) this.#copies.set(name, { fresh: true, dirty: true });
      else if (copy !== null) this.#copies.set(name, { fresh: false, dirty: copy.dirty });
    }
  }
}
