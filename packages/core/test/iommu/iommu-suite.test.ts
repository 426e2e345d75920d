// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import type { DmaAddr, PhysAddr } from "../../src/address.ts";
import { type CoreServices, definePlugin, type Plugin } from "../../src/index.ts";
import {
  Descriptor,
  type DeviceTranslation,
  type IommuMaster,
  IommuProt,
  type IommuTable,
  type PageTable,
  PagingDomain,
  type PagingDomainOptions,
  refused,
  type Translation,
} from "../../src/iommu.ts";
import { iommuSuite, type SuiteTest } from "../../src/testing.ts";
import { ToyUnit, toyUnit } from "./toy-unit.ts";

const { READ, WRITE } = IommuProt;
const PAGE = 4096;

describe("the toy IOMMU passes", () => {
  for (const { name, run } of iommuSuite(toyUnit)) test(name, run);

  test("names are sentences of their own", () => {
    const names = iommuSuite(toyUnit).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("so does one whose walker does not snoop", () => {
  for (const { name, run } of iommuSuite((name) => toyUnit(name, { coherentWalk: false }))) test(name, run);
});

describe("and what it leaves out when it is told what an IOMMU cannot do", () => {
  const names = (options: Parameters<typeof iommuSuite>[1]): number => iommuSuite(toyUnit, options).length;
  const all = names({});

  test("permissions, identity, contexts", () => {
    expect(names({ permissions: "read-only" })).toBe(all - 1);
    expect(names({ permissions: "none" })).toBe(all - 2);
    expect(names({ identity: false })).toBe(all - 1);
    expect(names({ contexts: false })).toBe(all - 1);
  });
});

const REACH = "lets a device reach what is mapped, byte by byte, and nothing beside it";
const FAR = "says how far an answer holds, and it holds that far";
const REFUSES = "refuses what was unmapped and invalidated, even when it was in use";
const REMEMBERS = "remembers what was used until it is invalidated, and says what is missing";
const NEW = "does not remember the old page when a new one is mapped after the invalidation";
const LATER = "lets a device reach what is mapped after it was refused";
const OTHER = "leaves nothing of the old domain when a device gets another";
const ALL = "forgets a whole domain at once, and serves it again";
const PART = "unmaps a part of a large mapping and keeps the rest, or leaves it whole";
const HOLE = "stops unmapping at the first hole and says how far it came";
const WHOLE = "refuses what is no multiple of the granule or out of its range, and maps nothing of it";
const DMA = "serves the DMA API: what it maps is reached, what it unmaps is not";
const BLOCKED = "keeps everything out of a device that is blocked";
const APART = "keeps a device out of what is mapped for another";
const IDENTITY = "lets a device through untranslated when that is asked for, and translates again";
const READS = "refuses that memory is read which was not mapped for it";
const WRITES = "refuses that memory is written which was not mapped for it";

type Mutant = readonly [fault: string, found: string, unit: new (services: CoreServices) => ToyUnit];

/** A domain with one method replaced. */
const domain = (change: (whole: PagingDomain) => Partial<PagingDomain>) =>
  class extends ToyUnit {
    protected override domainOf(options: PagingDomainOptions): PagingDomain {
      const whole = new PagingDomain(options);
      return Object.assign(whole, change(whole));
    }
  };

type Current = PagingDomain | "identity" | undefined;

/** Answers with one part replaced. */
const answer = (change: (right: Translation, address: number, access: number) => Partial<Translation>) =>
  class extends ToyUnit {
    protected override translate(id: number, of: Current, address: number, access: number): Translation {
      const right = super.translate(id, of, address, access);
      return right.fault === null && of !== "identity"
        ? { ...right, ...change(right, address, access) }
        : right;
    }
  };

const mutants: readonly Mutant[] = [
  [
    "does not invalidate ranges",
    REFUSES,
    class extends ToyUnit {
      protected override invalidate(): void {}
    },
  ],
  [
    "does not invalidate ranges, so that new mappings of the same address are not seen",
    NEW,
    class extends ToyUnit {
      protected override invalidate(): void {}
    },
  ],
  [
    "invalidates the first page of a range only",
    REFUSES,
    class extends ToyUnit {
      protected override invalidate(tag: number, iova: number): void {
        super.invalidate(tag, iova, 1);
      }
    },
  ],
  [
    "invalidates another domain than the one that changed",
    REFUSES,
    class extends ToyUnit {
      protected override invalidate(tag: number, iova: number, size: number): void {
        super.invalidate(tag + 1, iova, size);
      }
    },
  ],
  [
    "does not invalidate a whole domain",
    ALL,
    class extends ToyUnit {
      protected override invalidateAll(): void {}
    },
  ],
  [
    "drops the domain's pages with its TLB entries",
    ALL,
    domain((whole) => ({
      flushAll() {
        whole.table.unmapPages(0x4000_0000 + 7 * PAGE, PAGE, 1);
        PagingDomain.prototype.flushAll.call(whole);
      },
    })),
  ],
  [
    "has one tag for all domains",
    OTHER,
    class extends ToyUnit {
      protected override tagOf(): number {
        return 0;
      }
    },
  ],
  [
    "has one set of tables for all devices",
    APART,
    class extends ToyUnit {
      #first: IommuTable | undefined;
      override attach(master: IommuMaster, to: IommuTable | "identity" | "blocked"): void {
        if (typeof to !== "string") this.#first ??= to;
        super.attach(master, typeof to === "string" ? to : (this.#first as IommuTable));
      }
    },
  ],
  [
    "lets everybody write",
    WRITES,
    class extends ToyUnit {
      protected override allows(prot: number, access: number): boolean {
        return access === WRITE || super.allows(prot, access);
      }
    },
  ],
  [
    "lets everybody read",
    READS,
    class extends ToyUnit {
      protected override allows(prot: number, access: number): boolean {
        return access === READ || super.allows(prot, access);
      }
    },
  ],
  [
    "locks up after the first refusal",
    WRITES,
    class extends ToyUnit {
      #stuck = false;
      protected override allows(prot: number, access: number): boolean {
        this.#stuck ||= !super.allows(prot, access);
        return !this.#stuck;
      }
    },
  ],
  [
    "lets a device reach the page behind",
    REACH,
    class extends ToyUnit {
      protected override fill(tag: number, table: PageTable, address: number): boolean {
        return super.fill(tag, table, address) || super.fill(tag, table, Math.max(0, address - PAGE));
      }
    },
  ],
  [
    "forgets the offset within a page",
    REACH,
    answer(({ address }) => ({ address: address - (address % PAGE) })),
  ],
  ["says that an answer holds for a page more", FAR, answer(({ end }) => ({ end: end + PAGE }))],
  ["says that an answer holds for nothing", FAR, answer((_right, address) => ({ end: address }))],
  [
    "forgets by itself",
    REMEMBERS,
    class extends ToyUnit {
      protected override translate(id: number, of: Current, address: number, access: number): Translation {
        this.tlb.invalidateAll();
        return super.translate(id, of, address, access);
      }
    },
  ],
  ["does not say what is missing", REMEMBERS, answer(() => ({ missing: null }))],
  ["always says that something is missing", REMEMBERS, answer(() => ({ missing: "a flush of everything" }))],
  [
    "remembers that a page was not mapped, and need not be told that it is",
    LATER,
    class extends ToyUnit {
      readonly #refused = new Set<number>();
      protected override translate(id: number, of: Current, address: number, access: number): Translation {
        const page = Math.floor(address / PAGE);
        if (this.#refused.has(page)) return refused("not mapped", address);
        const given = super.translate(id, of, address, access);
        if (given.fault === "not mapped") this.#refused.add(page);
        return given;
      }
    },
  ],
  [
    "keeps the first domain that a device had",
    OTHER,
    class extends ToyUnit {
      readonly #first = new Map<string, IommuTable>();
      override attach(master: IommuMaster, to: IommuTable | "identity" | "blocked"): void {
        const ids = master.ids.join(" ");
        if (typeof to !== "string" && !this.#first.has(ids)) this.#first.set(ids, to);
        super.attach(master, typeof to === "string" ? to : (this.#first.get(ids) as IommuTable));
      }
    },
  ],
  [
    "takes a whole block out for a page of it",
    PART,
    domain(({ table }) => ({
      unmap(iova: DmaAddr, size: number) {
        if (table.walk(iova) === Descriptor.LEAF && table.size > size)
          table.unmapPages(Math.floor(iova / table.size) * table.size, table.size, 1);
        else return table.unmapPages(iova, PAGE, size / PAGE) * PAGE;
        return size;
      },
    })),
  ],
  [
    "says that it has unmapped more than it has",
    PART,
    domain(() => ({ unmap: (_iova: DmaAddr, size: number) => size })),
  ],
  [
    "goes on unmapping past holes",
    HOLE,
    domain(({ table }) => ({
      unmap(iova: DmaAddr, size: number) {
        let done = 0;
        for (let at = 0; at < size; at += PAGE) done += table.unmapPages(iova + at, PAGE, 1) * PAGE;
        return done;
      },
    })),
  ],
  [
    "rounds what is mapped to pages",
    WHOLE,
    domain((whole) => ({
      map(iova: DmaAddr, phys: PhysAddr, size: number, prot: number) {
        const down = (value: number): number => Math.floor(value / PAGE) * PAGE;
        const length = Math.ceil(size / PAGE) * PAGE;
        PagingDomain.prototype.map.call(whole, down(iova) as DmaAddr, down(phys) as PhysAddr, length, prot);
      },
    })),
  ],
  [
    "keeps what a device was attached to when it was first asked for its translation",
    DMA,
    class extends ToyUnit {
      readonly #attached = new Set<number>();
      override attach(master: IommuMaster, to: IommuTable | "identity" | "blocked"): void {
        for (const id of master.ids) this.#attached.add(id);
        super.attach(master, to);
      }
      override translation(id: number): DeviceTranslation {
        return this.#attached.has(id)
          ? super.translation(id)
          : { translate: (address) => refused("not attached yet", address) };
      }
    },
  ],
  [
    "cannot block",
    BLOCKED,
    class extends ToyUnit {
      override attach(master: IommuMaster, to: IommuTable | "identity" | "blocked"): void {
        if (to !== "blocked") super.attach(master, to);
      }
    },
  ],
  [
    "cannot let through untranslated",
    IDENTITY,
    class extends ToyUnit {
      override attach(master: IommuMaster, to: IommuTable | "identity" | "blocked"): void {
        super.attach(master, to === "identity" ? "blocked" : to);
      }
    },
  ],
  [
    "goes on letting through untranslated",
    IDENTITY,
    class extends ToyUnit {
      readonly #through = new Set<string>();
      override attach(master: IommuMaster, to: IommuTable | "identity" | "blocked"): void {
        const ids = master.ids.join(" ");
        if (to === "identity") this.#through.add(ids);
        super.attach(master, this.#through.has(ids) ? "identity" : to);
      }
    },
  ],
];

const plugin =
  (unit: new (services: CoreServices) => ToyUnit) =>
  (name: string): Plugin =>
    definePlugin({
      name: "@acme/iommu-wrong",
      provides: { iommus: { [name]: (services) => new unit(services) } },
    });

const failures = (suite: readonly SuiteTest[]): string[] =>
  suite
    .filter(({ run }) => {
      try {
        run();
        return false;
      } catch {
        return true;
      }
    })
    .map(({ name }) => name);

describe("a faulty IOMMU is found", () => {
  test.each(mutants)("%s: %s", (_fault, found, unit) => {
    expect(failures(iommuSuite(plugin(unit)))).toContain(found);
  });

  test("and every test of the suite finds one", () => {
    const names = iommuSuite(toyUnit).map(({ name }) => name);
    expect([...new Set(mutants.map(([, found]) => found))].sort()).toEqual(names.sort());
  });
});
