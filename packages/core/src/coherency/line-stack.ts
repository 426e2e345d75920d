// SPDX-License-Identifier: MIT
import { alignDown } from "../address.ts";
import type { ByteStore } from "./byte-store.ts";
import type { LineStore } from "./line-store.ts";
import { SlotStore } from "./slot-store.ts";
import type { Domain, Route } from "./topology.ts";

/** Whether a domain takes in a line that it does not hold, by the address of the line's first byte. */
export type Takes = (domain: Domain, low: number) => boolean;

/**
 * How real lines move between the domains of a stack and memory, a line at a time. Domains that nothing lies behind
 * work on memory themselves, by runs of lines.
 */
export class LineStack {
  readonly #caches: readonly LineStore[];
  readonly #memory: ByteStore;
  readonly #takes: Takes;

  /** @param caches by the domains' index. @param takes is asked of each choice, from in front to behind. */
  constructor(caches: readonly LineStore[], memory: ByteStore, takes: Takes) {
    this.#caches = caches;
    this.#memory = memory;
    this.#takes = takes;
  }

  /** Fills the absent lines that meet [start, end). */
  fill(domain: Domain, start: number, end: number): void {
    const cache = this.#cache(domain);
    if (domain.behind === null) {
      cache.fill(start, end);
      return;
    }
    for (let low = alignDown(start, domain.line); low < end; low += domain.line) {
      if (!cache.isResident(low) && this.#canFill(domain, low))
        this.#put(domain, low, this.#fetch(domain.behind, low, domain.line));
    }
  }

  /** Writes the dirty lines that meet [start, end) to what lies behind; they stay. */
  clean(domain: Domain, start: number, end: number): void {
    const { behind, line } = domain;
    const cache = this.#cache(domain);
    if (behind === null) {
      cache.clean(start, end);
      return;
    }
    for (let low = alignDown(start, line); low < end; low += line) {
      if (!cache.isDirty(low)) continue;
      const bytes = this.#bytes(cache, low, line);
      cache.markClean(low, low + line);
      this.#deposit(behind, low, bytes);
    }
  }

  /** Drops a clean line by itself; an exclusive domain behind may take it. */
  evict(domain: Domain, low: number): void {
    const { behind, line } = domain;
    const cache = this.#cache(domain);
    const victim = behind?.exclusive === true && !this.#cache(behind).isResident(low) ? behind : null;
    const bytes = victim === null ? null : this.#bytes(cache, low, line);
    cache.drop(low, low + line);
    if (victim !== null && bytes !== null && this.#takes(victim, low)) this.#put(victim, low, bytes);
  }

  /** What a read sees that leaves no line behind: the range is copied to `into` from its index `at`. */
  observe(domain: Domain | null, start: number, end: number, into: Uint8Array, at: number): void {
    if (domain === null) {
      this.#memory.read(start, end, into, at);
      return;
    }
    this.observe(domain.behind, start, end, into, at);
    this.#cache(domain).overlay(start, end, into, at);
  }

  /** Where a write to part of a line ends, made ready for it: a cache that now holds the line, or null for memory. */
  placeFor({ kind, domain }: Route, low: number): LineStore | null {
    if (domain === null) return null;
    if (!this.#canFill(domain, low)) return this.#cache(domain.slot as Domain);
    if (kind === "cached" || (kind === "snoop-allocate" && this.#takes(domain, low))) {
      this.fill(domain, low, low + 1);
      return this.#cache(domain);
    }
    this.clean(domain, low, low + 1);
    this.#cache(domain).drop(low, low + 1);
    for (let into = domain.behind; into !== null; into = into.behind) {
      const cache = this.#cache(into);
      if (into.bounce === null && !cache.isResident(low)) {
        if (!this.#takes(into, low)) continue;
        this.fill(into, low, low + 1);
      }
      return cache;
    }
    return null;
  }

  /** Whether a line has something to be filled from: a bounce slot in use, or memory. */
  #canFill({ slot, line }: Domain, low: number): boolean {
    const store = slot === null ? null : this.#cache(slot);
    return !(store instanceof SlotStore) || store.isUsed(low, low + line);
  }

  #cache(domain: Domain): LineStore {
    return this.#caches[domain.index] as LineStore;
  }

  #bytes(cache: LineStore, low: number, line: number): Uint8Array {
    const bytes = new Uint8Array(line);
    cache.overlay(low, low + line, bytes, 0);
    return bytes;
  }

  /** Puts a whole clean line into a domain. */
  #put(domain: Domain, low: number, bytes: Uint8Array): void {
    const cache = this.#cache(domain);
    cache.write(low, low + domain.line, bytes, 0);
    cache.markClean(low, low + domain.line);
  }

  /** A line as a fill gets it from a domain or from behind it; a domain that it comes past may take it in. */
  #fetch(from: Domain | null, low: number, line: number): Uint8Array {
    if (from === null) {
      const bytes = new Uint8Array(line);
      this.#memory.read(low, low + line, bytes, 0);
      return bytes;
    }
    const cache = this.#cache(from);
    if (from.bounce !== null) {
      const bytes = new Uint8Array(line);
      cache.read(low, low + line, bytes, 0);
      return bytes;
    }
    if (cache.isResident(low)) return this.#bytes(cache, low, line);
    const takes = this.#takes(from, low);
    const bytes = this.#fetch(from.behind, low, line);
    if (takes) this.#put(from, low, bytes);
    return bytes;
  }

  /** A dirty line goes into the first domain that holds it or takes it, else to memory. */
  #deposit(into: Domain | null, low: number, bytes: Uint8Array): void {
    let at = into;
    while (at !== null && at.bounce === null && !this.#cache(at).isResident(low) && !this.#takes(at, low))
      at = at.behind;
    if (at === null) this.#memory.write(low, low + bytes.length, bytes, 0);
    else this.#cache(at).write(low, low + bytes.length, bytes, 0);
  }
}
