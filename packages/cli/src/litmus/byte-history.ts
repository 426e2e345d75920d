// SPDX-License-Identifier: MIT
import type { LitmusHazard, RouteSpec, TimedLitmusProgram, WitnessStep } from "@dmabuf/core/coherency";

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
    if (step.kind === "event") history.happen(step.event, step.domain);
    else history.perform(step.step, step.allocates === true);
    rows.push(history.row(step));
  }
  return rows;
}

class ByteHistory {
  readonly #program: TimedLitmusProgram;
  readonly #byte: number;
  readonly #copies: Map<string, CachedByte | null>;
  #memory = true;

  constructor(program: TimedLitmusProgram, byte: number) {
    this.#program = program;
    this.#byte = byte;
    this.#copies = new Map(Object.keys(program.domains).map((name) => [name, null]));
  }

  row(step: WitnessStep | null): HistoryRow {
    return { step, memory: this.#memory, copies: new Map(this.#copies) };
  }

  happen(event: "write-back" | "drop" | "fill", domain: string): void {
    if (event === "write-back") this.#clean(domain);
    else if (event === "drop") this.#copies.set(domain, null);
    else this.#fill(domain);
  }

  perform(index: number, allocates: boolean): void {
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
    const cached = route.route === "cached" || allocates;
    if (step.op === "read") {
      if (cached) this.#fill(route.domain);
    } else if (cached) {
      this.#fill(route.domain);
      if (hit) this.#newest(route.domain);
      this.#copies.set(route.domain, { fresh: this.#copies.get(route.domain)?.fresh === true, dirty: true });
    } else {
      this.#clean(route.domain);
      this.#copies.set(route.domain, null);
      if (hit) this.#newest(null);
    }
  }

  #touches(domain: string, [start, end]: readonly [number, number]): boolean {
    const line = this.#program.domains[domain]?.line ?? 1;
    const first = this.#byte - (this.#byte % line);
    return first < end && start < first + line;
  }

  #clean(domain: string): void {
    const copy = this.#copies.get(domain);
    if (!copy?.dirty) return;
    this.#memory = copy.fresh;
    this.#copies.set(domain, { fresh: copy.fresh, dirty: false });
  }

  #fill(domain: string): void {
    if (this.#copies.get(domain) === null) this.#copies.set(domain, { fresh: this.#memory, dirty: false });
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
