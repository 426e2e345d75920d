// SPDX-License-Identifier: MIT
// Against the naive reference: which page goes where, and what it allows.
import { type DmaAddr, KernelError } from "@dmabuf/core";
import { IommuProt, type IommuTable } from "@dmabuf/core/iommu";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { SmmuV3Options } from "../../src/v3/smmu-v3-options.ts";
import { Machine } from "./machine.ts";

const { READ, WRITE, CACHE } = IommuProt;
const PAGE = 4096;
/** Around the place where a 2 MiB block begins, so that pages, blocks and whole tables come and go. */
const BASE = 0x4020_0000;
const PLACES = 1024;

/** A page as the reference knows it. */
interface Known {
  readonly phys: number;
  readonly prot: number;
}

const place = fc.oneof(fc.integer({ min: 0, max: PLACES - 1 }), fc.constantFrom(0, 512));
const length = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(512));
const prot = fc.constantFrom(READ, READ | WRITE, READ | CACHE, READ | WRITE | CACHE);
const operation = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("map" as const), at: place, count: length, to: place, prot }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("unmap" as const), at: place, count: length }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("forget" as const), at: place, count: length }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("move" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("access" as const),
      at: place,
      access: fc.constantFrom(READ, WRITE),
    }),
  },
);

/** A machine, its domains, and the reference. */
class Compared {
  readonly machine: Machine;
  readonly #domains: [IommuTable, IommuTable];
  readonly #known: [Map<number, Known>, Map<number, Known>] = [new Map(), new Map()];
  #attached: 0 | 1 = 0;
  #unflushed = false;

  constructor(options: SmmuV3Options) {
    this.machine = new Machine(options);
    this.#domains = [this.machine.smmu.allocateDomain(), this.machine.smmu.allocateDomain()];
    this.machine.smmu.attach(this.machine.nic, this.#domains[0]);
  }

  #touch(at: number, count: number): void {
    for (const page of [0, count - 1]) this.access(at + page, READ);
  }

  map(at: number, count: number, to: number, prot: number): void {
    if (this.#unflushed) this.flushAll();
    const known = this.#known[this.#attached];
    const isFree = Array.from({ length: count }, (_, i) => at + i).every((page) => !known.has(page));
    const domain = this.#domains[this.#attached];
    let isMapped = true;
    try {
      this.machine.map(domain, BASE + at * PAGE, 0x10_0000 + to * PAGE, count * PAGE, prot);
    } catch (error) {
      if (!(error instanceof KernelError) || error.errno !== "EEXIST") throw error;
      isMapped = false;
    }
    // A block takes the place of a table, whatever is mapped there (M-24).
    if (isFree || count < 512) expect(isMapped).toBe(isFree);
    if (!isMapped) return;
    for (let i = 0; i < count; i++) known.set(at + i, { phys: 0x10_0000 + (to + i) * PAGE, prot });
    this.#touch(at, count);
  }

  unmap(at: number, count: number, withFlush: boolean): void {
    const known = this.#known[this.#attached];
    const domain = this.#domains[this.#attached];
    let mapped = 0;
    while (mapped < count && known.has(at + mapped)) mapped++;
    const unmapped = domain.unmap((BASE + at * PAGE) as DmaAddr, count * PAGE) / PAGE;
    // A table that the range covers goes as a whole, holes and all (M-26).
    if (count < 512) expect(unmapped).toBe(mapped);
    else expect(unmapped).toBeGreaterThanOrEqual(mapped);
    for (let i = 0; i < unmapped; i++) known.delete(at + i);
    if (withFlush) domain.flush((BASE + at * PAGE) as DmaAddr, count * PAGE);
    else if (unmapped > 0) this.#unflushed = true;
  }

  flushAll(): void {
    for (const domain of this.#domains) domain.flushAll();
    this.#unflushed = false;
  }

  move(): void {
    this.#attached = this.#attached === 0 ? 1 : 0;
    this.machine.smmu.attach(this.machine.nic, this.#domains[this.#attached]);
  }

  /** What the tables say is what is answered; an old answer says what it lacks, and there is none when all was invalidated. */
  access(at: number, access: number): void {
    const known = this.#known[this.#attached].get(at);
    const answer = this.machine.access(BASE + at * PAGE + 5, access);
    const isAllowed = known !== undefined && (known.prot & access) !== 0;
    if (answer.missing !== null) {
      expect(this.#unflushed).toBe(true);
      return;
    }
    expect(answer.fault === null).toBe(isAllowed);
    if (isAllowed) expect(answer.address).toBe(known.phys + 5);
  }
}

const sets: Readonly<Record<string, SmmuV3Options>> = {
  "stage 1": {},
  "stage 2": { stages: [2] },
  "both stages, not snooping": { nested: true, coherentWalk: false },
  ATCs: { ats: true },
  "a linear table and substreams": { streamTable: "linear", streamIdBits: 10, substreamBits: 12 },
};

test.each(Object.entries(sets))("an SMMUv3 with %s answers as a map of pages", (_name, options) => {
  fc.assert(
    fc.property(fc.array(operation, { minLength: 5, maxLength: 40 }), (operations) => {
      const compared = new Compared(options);
      for (const each of operations) {
        if (each.kind === "map") compared.map(each.at, each.count, each.to, each.prot);
        else if (each.kind === "unmap") compared.unmap(each.at, each.count, true);
        else if (each.kind === "forget") compared.unmap(each.at, each.count, false);
        else if (each.kind === "move") compared.move();
        else compared.access(each.at, each.access);
      }
      compared.flushAll();
      for (let at = 0; at < PLACES; at += 37) compared.access(at, READ);
    }),
    { seed: 20261120, numRuns: 25 },
  );
});
