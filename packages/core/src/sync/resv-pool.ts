// SPDX-License-Identifier: MIT
import type { Simulation } from "../sim/simulation.ts";
import type { StringId } from "../sim/tracepoint.ts";
import type { FenceId } from "./fence-callback.ts";
import type { FencePool } from "./fence-pool.ts";
import type { WwAcquire } from "./ww-acquire.ts";
import { WwClass } from "./ww-class.ts";

const SMALLEST = 4;

/**
 * The storage of all reservation objects: 36 bytes an object, and its fence table as a block of 4, 8, 16... numbers in
 * one arena. A table entry is a fence with its usage in the low two bits, as in the kernel. What the entries mean is
 * `DmaResv`'s business.
 */
export class ResvPool {
  /** The simulation it belongs to. */
  readonly simulation: Simulation;
  /** Where the fences live. */
  readonly fences: FencePool;
  /** The locks, with the objects' indices (R-1). @see reservation_ww_class */
  readonly locks: WwClass;
  #names = new Int32Array(16);
  /** Start of the table in the arena, and for how many entries (0: no table); its block may be larger. */
  #tables = new Int32Array(16);
  #rooms = new Int32Array(16);
  #counts = new Int32Array(16);
  #limits = new Int32Array(16);
  #reserved = new Int32Array(16);
  #versions = new Int32Array(16);
  #arena = new Int32Array(64);
  #arenaUsed = 0;
  /** Free blocks of SMALLEST * 2^k entries at index k. */
  readonly #freeBlocks: number[][] = [];
  readonly #freeIndices: number[] = [];
  #used = 0;

  constructor(simulation: Simulation, fences: FencePool) {
    this.simulation = simulation;
    this.fences = fences;
    this.locks = new WwClass(simulation, {
      algorithm: "wait-die",
      name: "reservation_ww_class",
      functions: "dma_resv",
      nameOf: (index) => this.name(index),
    });
  }

  /** Begins an acquire context, in which the running task locks several objects in any order. @see ww_acquire_init */
  acquireInit(): WwAcquire {
    return this.locks.acquireInit();
  }

  /** Makes an object without fences and returns its index. */
  create(name: StringId): number {
    const index = this.#freeIndices.pop() ?? this.#used++;
    if (index === this.#names.length) this.#grow();
    this.#names[index] = name;
    this.#rooms[index] = 0;
    this.#counts[index] = 0;
    this.#limits[index] = 0;
    this.#reserved[index] = 0;
    this.locks.init(index);
    return index;
  }

  /** Gives an object's storage back. */
  destroy(index: number): void {
    this.#freeTable(index);
    this.#freeIndices.push(index);
  }

  /** The object's name. */
  name(index: number): StringId {
    return this.#names[index] as StringId;
  }

  /** Number of fences in the table. */
  count(index: number): number {
    return this.#counts[index] as number;
  }

  /** Number of entries that the table has room for: the kernel's max_fences. */
  room(index: number): number {
    return this.#rooms[index] as number;
  }

  /** How often the table was replaced; who iterates without the lock begins again when it changes. */
  version(index: number): number {
    return this.#versions[index] as number;
  }

  /** Number of fences that the table takes before adding one is a BUG. */
  limit(index: number): number {
    return this.#limits[index] as number;
  }

  /** Number of fences up to which slots were asked for: never more than the limit. */
  reserved(index: number): number {
    return this.#reserved[index] as number;
  }

  /** The fence in a slot. */
  fenceAt(index: number, slot: number): FenceId {
    return ((this.#arena[(this.#tables[index] as number) + slot] as number) >> 2) as FenceId;
  }

  /** The usage in a slot, as a number. */
  usageAt(index: number, slot: number): number {
    return (this.#arena[(this.#tables[index] as number) + slot] as number) & 3;
  }

  /** Writes a slot. */
  set(index: number, slot: number, fence: FenceId, usage: number): void {
    this.#arena[(this.#tables[index] as number) + slot] = (fence << 2) | usage;
  }

  /** Sets how many slots are in use, may be used, and were asked for. */
  resize(index: number, count: number, limit: number, reserved: number): void {
    this.#counts[index] = count;
    this.#limits[index] = limit;
    this.#reserved[index] = reserved;
  }

  /** Replaces the table by one with room for `entries`; what is in it keeps its order. */
  reallocate(index: number, entries: number): void {
    const size = sizeOf(entries);
    const table = this.#freeBlocks[size]?.pop() ?? this.#extend(SMALLEST * 2 ** size);
    const old = this.#tables[index] as number;
    this.#arena.copyWithin(table, old, old + (this.#counts[index] as number));
    this.#freeTable(index);
    this.#tables[index] = table;
    this.#rooms[index] = entries;
    this.#versions[index] = (this.#versions[index] as number) + 1;
  }

  /** Takes the table away, with all entries. */
  clear(index: number): void {
    this.#freeTable(index);
    this.resize(index, 0, 0, 0);
    this.#versions[index] = (this.#versions[index] as number) + 1;
  }

  #freeTable(index: number): void {
    const room = this.#rooms[index] as number;
    if (room === 0) return;
    const size = sizeOf(room);
    while (this.#freeBlocks.length <= size) this.#freeBlocks.push([]);
    (this.#freeBlocks[size] as number[]).push(this.#tables[index] as number);
    this.#rooms[index] = 0;
  }

  #extend(room: number): number {
    const start = this.#arenaUsed;
    this.#arenaUsed += room;
    if (this.#arenaUsed > this.#arena.length) {
      const arena = new Int32Array(Math.max(this.#arenaUsed, 2 * this.#arena.length));
      arena.set(this.#arena);
      this.#arena = arena;
    }
    return start;
  }

  #grow(): void {
    const grown = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const array = new Int32Array(2 * old.length);
      array.set(old);
      return array;
    };
    this.#names = grown(this.#names);
    this.#tables = grown(this.#tables);
    this.#rooms = grown(this.#rooms);
    this.#counts = grown(this.#counts);
    this.#limits = grown(this.#limits);
    this.#reserved = grown(this.#reserved);
    this.#versions = grown(this.#versions);
  }
}

/** Which size of block holds so many entries: the k of SMALLEST * 2^k. */
const sizeOf = (entries: number): number => Math.max(0, Math.ceil(Math.log2(entries / SMALLEST)));
