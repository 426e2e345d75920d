// SPDX-License-Identifier: MIT
import { alignDown, physAddr } from "../address.ts";
import type { Extents } from "../memory/extents.ts";
import { lineCover } from "../memory/line-cover.ts";
import type { CopyKind } from "./bounce-slot.ts";
import { ByteStore } from "./byte-store.ts";
import { type EventSite, type EvictionPolicy, quiet } from "./eviction-policy.ts";
import type { Hazard } from "./hazard.ts";
import { LineStack } from "./line-stack.ts";
import { LineStore } from "./line-store.ts";
import type { MemoryMachine } from "./memory-machine.ts";
import type { AccessKind, MaintenanceKind } from "./operation.ts";
import { SlotStore } from "./slot-store.ts";
import type { EventKind } from "./spontaneous-event.ts";
import type { Domain, Route, Topology } from "./topology.ts";

/** How a data machine lives. */
export interface DataMachineOptions {
  /** What hardware does by itself; default nothing. */
  readonly policy?: EvictionPolicy;
  /**
   * Called when a read observes a byte that is not the newest one written. Without it, no newest copy is kept and
   * nothing is compared.
   */
  readonly report?: (hazard: Hazard) => void;
}

/** Sites offered to the policy before one operation; more lines than this and it sees an even sample of them. */
const SITES = 64;

/**
 * Real bytes in memory and in cache lines, living through one execution. It turns a hazard of the analysis machine into
 * something to look at, and it is what that machine is tested against.
 */
export class DataMachine implements MemoryMachine {
  readonly topology: Topology;
  readonly #memory = new ByteStore();
  readonly #caches: readonly LineStore[];
  readonly #stack: LineStack;
  readonly #newest: ByteStore | null;
  readonly #policy: EvictionPolicy;
  readonly #report: (hazard: Hazard) => void;
  #step = -1;
  #writes = 0;
  #scratch = new Uint8Array(0);

  constructor(topology: Topology, { policy = quiet, report }: DataMachineOptions = {}) {
    this.topology = topology;
    this.#caches = topology.domains.map((domain) =>
      domain.bounce === null ? new LineStore(domain, this.#memory) : new SlotStore(domain, this.#memory),
    );
    this.#policy = policy;
    this.#stack = new LineStack(this.#caches, this.#memory, (domain, address) =>
      policy.allocates({ domain, address }),
    );
    this.#newest = report === undefined ? null : new ByteStore();
    this.#report = report ?? (() => {});
  }

  /** A write stores a value that no other of the last 255 writes stored; a read is observed and thrown away. */
  access(route: Route, kind: AccessKind, extents: Extents, _cause = -1): void {
    if (this.#scratch.length < extents.bytes) this.#scratch = new Uint8Array(extents.bytes);
    const bytes = this.#scratch.subarray(0, extents.bytes);
    if (kind === "read") this.read(route, extents, bytes);
    else this.write(route, extents, bytes.fill((this.#writes++ % 255) + 1));
  }

  /** Stores `from`, as many bytes as the ranges have, through a route. */
  write(route: Route, extents: Extents, from: Uint8Array): void {
    this.#begin(extents);
    const { pairs } = extents;
    const cache = this.#cacheOf(route.domain);
    const allocates = this.#lineChoice(extents);
    const places = new Map<number, LineStore | null>();
    for (let i = 0, at = 0; i < pairs.length; i += 2) {
      const start = pairs[i] as number;
      const end = pairs[i + 1] as number;
      if (route.domain?.behind) this.#stackedWrite(route, places, start, end, from, at);
      else if (cache === null) this.#memory.write(start, end, from, at);
      else if (route.kind === "cached") cache.write(start, end, from, at);
      else if (route.kind === "snoop") this.#snoopingWrite(cache, start, end, from, at);
      else this.#allocatingWrite(cache.domain, start, end, from, at, allocates);
      this.#forEachMeant(route, start, end, (low, high) =>
        this.#newest?.write(low, high, from, at + low - start),
      );
      at += end - start;
    }
  }

  /** Loads the ranges into `into` through a route. */
  read(route: Route, extents: Extents, into: Uint8Array): void {
    this.#begin(extents);
    const { pairs } = extents;
    const cache = this.#cacheOf(route.domain);
    for (let i = 0, at = 0; i < pairs.length; i += 2) {
      const start = pairs[i] as number;
      const end = pairs[i + 1] as number;
      if (route.kind === "cached" && cache !== null) {
        if (cache.domain.behind !== null) this.#stack.fill(cache.domain, start, end);
        cache.read(start, end, into, at);
      } else this.#stack.observe(route.domain, start, end, into, at);
      at += end - start;
    }
    if (this.#newest !== null) this.#compare(route, extents, into);
  }

  maintain(kind: MaintenanceKind, domain: Domain, extents: Extents, _cause = -1): void {
    this.#begin(extents);
    const { pairs } = extents;
    const cache = this.#caches[domain.index] as LineStore;
    for (let i = 0; i < pairs.length; i += 2) {
      const start = pairs[i] as number;
      const end = pairs[i + 1] as number;
      if (kind !== "invalidate") this.#stack.clean(domain, start, end);
      if (kind !== "clean") cache.drop(start, end);
    }
  }

  copy(kind: CopyKind, slot: Domain, extents: Extents, _cause = -1): void {
    if (slot.bounce === null) throw new TypeError(`domain "${slot.name}" is no bounce slot`);
    this.#begin(extents);
    const { cpu, view } = slot.bounce;
    const store = this.#caches[slot.index] as SlotStore;
    const { pairs } = extents;
    for (let i = 0; i < pairs.length; i += 2) {
      const start = pairs[i] as number;
      const end = pairs[i + 1] as number;
      if (kind === "release") this.#release(view, store, start, end);
      else {
        if (kind === "copy-in") store.assign(start, end);
        this.#copy(kind === "copy-in" ? [cpu, view] : [view, cpu], store, start, end);
      }
    }
  }

  /** Lets an event happen to the line of a byte; false, and nothing happens, where it is impossible now. */
  happen(event: EventKind, domain: Domain, address: number): boolean {
    const cache = this.#caches[domain.index] as LineStore;
    if (event === "fill") {
      if (!domain.speculates || cache.isResident(address)) return false;
      this.#stack.fill(domain, address, address + 1);
      return true;
    }
    const possible =
      domain.evicts && cache.isResident(address) && cache.isDirty(address) === (event === "write-back");
    if (possible && event === "write-back") this.#stack.clean(domain, address, address + 1);
    else if (possible) this.#stack.evict(domain, alignDown(address, domain.line));
    return possible;
  }

  /** The byte in memory, in each cache that holds it (null elsewhere), and the newest one if that is kept. */
  inspect(address: number): { memory: number; copies: readonly (number | null)[]; newest: number | null } {
    return {
      memory: this.#memory.at(address),
      copies: this.#caches.map((cache) => (this.#holds(cache, address) ? cache.at(address) : null)),
      newest: this.#newest?.at(address) ?? null,
    };
  }

  #holds(cache: LineStore, address: number): boolean {
    const slot = this.#cacheOf(cache.domain.slot);
    return cache.isResident(address) && (slot?.isResident(address) ?? true);
  }

  /** A line that a neighbouring mapping is still in stays in the caches over the slot. */
  #release(view: Domain, store: SlotStore, start: number, end: number): void {
    store.drop(start, end);
    for (let at: Domain | null = view; at !== null && at.bounce === null; at = at.behind) {
      const cache = this.#caches[at.index] as LineStore;
      for (let low = alignDown(start, at.line); low < end; low += at.line)
        if (!store.isUsed(low, low + at.line)) cache.drop(low, low + at.line);
    }
  }

  /** Fills the lines at both ends and moves the bytes that are in use; the others stay what they are. */
  #copy([from, to]: readonly [Domain, Domain], store: SlotStore, start: number, end: number): void {
    const bytes = new Uint8Array(end - start);
    const kept = new Uint8Array(end - start);
    this.#stack.fill(from, start, end);
    this.#stack.observe(from, start, end, bytes, 0);
    this.#stack.fill(to, start, end);
    this.#stack.observe(to, start, end, kept, 0);
    for (let at = start; at < end; at++)
      if (!store.isResident(at)) bytes[at - start] = kept[at - start] as number;
    (this.#caches[to.index] as LineStore).write(start, end, bytes, 0);
  }

  #begin(extents: Extents): void {
    this.#step++;
    if (this.#policy === quiet) return;
    const sites: EventSite[] = [];
    for (const each of this.topology.domains) {
      const { inRange, lines } = lineCover(extents, each.line);
      const stride = each.line * Math.max(1, Math.ceil(lines / SITES));
      for (let i = 0; i < inRange.length; i += 2) {
        for (
          let at = alignDown(inRange[i] as number, each.line);
          at < (inRange[i + 1] as number);
          at += stride
        ) {
          sites.push({ domain: each, address: at });
        }
      }
    }
    for (const { event, domain: where, address } of this.#policy.before(sites))
      this.happen(event, where, address);
  }

  /** The policy's choice for a line, made once in an operation even where several of its ranges meet the line. */
  #lineChoice(extents: Extents): (domain: Domain, low: number, isWhole: boolean) => boolean {
    const chosen = new Map<number, boolean>();
    return (domain, low, isWhole) => {
      if (isWhole && extents.ascending) return this.#policy.allocates({ domain, address: low });
      let choice = chosen.get(low);
      if (choice === undefined) {
        choice = this.#policy.allocates({ domain, address: low });
        chosen.set(low, choice);
      }
      return choice;
    };
  }

  #cacheOf(domain: Domain | null): LineStore | null {
    return domain === null ? null : (this.#caches[domain.index] as LineStore);
  }

  /** Through a domain that something lies behind: the caches choose once for a line, even where several ranges meet it. */
  #stackedWrite(
    route: Route,
    places: Map<number, LineStore | null>,
    start: number,
    end: number,
    from: Uint8Array,
    at: number,
  ): void {
    const line = route.domain?.line ?? 1;
    for (let low = alignDown(start, line); low < end; low += line) {
      let place = places.get(low);
      if (place === undefined) {
        place = this.#stack.placeFor(route, low);
        places.set(low, place);
      }
      const first = Math.max(low, start);
      (place ?? this.#memory).write(first, Math.min(low + line, end), from, at + first - start);
    }
  }

  #allocatingWrite(
    domain: Domain,
    start: number,
    end: number,
    from: Uint8Array,
    at: number,
    allocates: (domain: Domain, low: number, isWhole: boolean) => boolean,
  ): void {
    const { line } = domain;
    const cache = this.#caches[domain.index] as LineStore;
    for (let low = alignDown(start, line); low < end; low += line) {
      const first = Math.max(low, start);
      const stop = Math.min(low + line, end);
      if (allocates(domain, low, stop - first === line)) cache.write(first, stop, from, at + first - start);
      else this.#snoopingWrite(cache, first, stop, from, at + first - start);
    }
  }

  /** Dirty lines are written back and every touched line leaves the domain; then memory is written. */
  #snoopingWrite(cache: LineStore, start: number, end: number, from: Uint8Array, at: number): void {
    cache.clean(start, end);
    cache.drop(start, end);
    this.#memory.write(start, end, from, at);
  }

  /** The parts of a range whose data an access by this route is about: all of it, or what a bounce slot holds. */
  #forEachMeant(
    { domain }: Route,
    start: number,
    end: number,
    visit: (start: number, end: number) => void,
  ): void {
    const store = this.#cacheOf(domain?.slot ?? null);
    if (store instanceof SlotStore) store.forEachUsed(start, end, visit);
    else visit(start, end);
  }

  #compare(route: Route, extents: Extents, observed: Uint8Array): void {
    const { pairs } = extents;
    const newest = new Uint8Array(extents.bytes);
    const ranges: number[] = [];
    let bytes = 0;
    for (let i = 0, at = 0; i < pairs.length; i += 2) {
      const start = pairs[i] as number;
      const end = pairs[i + 1] as number;
      this.#newest?.read(start, end, newest, at);
      this.#forEachMeant(route, start, end, (low, high) => {
        for (let address = low; address < high; address++) {
          const index = at + address - start;
          if (newest[index] === observed[index]) continue;
          if (ranges.at(-1) === address) ranges[ranges.length - 1] = address + 1;
          else ranges.push(address, address + 1);
          bytes++;
        }
      });
      at += end - start;
    }
    if (bytes === 0) return;
    const address = physAddr(ranges[0] as number);
    const hazard = { code: "stale-read", step: this.#step, readBy: null, address, bytes } as const;
    this.#report({ ...hazard, ranges: Float64Array.from(ranges) });
  }
}
