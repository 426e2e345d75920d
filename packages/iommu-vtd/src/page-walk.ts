// SPDX-License-Identifier: MIT
import { Descriptor as Entry, IommuProt, type PageTable, type TableMemory } from "@dmabuf/core/iommu";
import type { AddressSpace } from "./address-space.ts";
import { addressIn } from "./entry-words.ts";
import type { Descriptor } from "./invalidation-descriptor.ts";
import { domainTag, Iotlb, pasidTag } from "./iotlb.ts";
import type { WalkStart } from "./paging-structure-cache.ts";

const PAGE = 2 ** 12;

/** What a walk works with. */
export interface PageWalkOptions {
  /** Reads of paging entries are noted here. */
  readonly tables: TableMemory;
  /** Whether SNP is a bit of a second-level entry, and not a reserved one (SC). */
  readonly snoopControl: boolean;
  /** Whether second-level pages that are not there are kept (CM). */
  readonly cachingMode: boolean;
  /** What software left out when an answer is not that of the tables in memory. */
  readonly missing: (descriptor: Descriptor) => string;
}

/** The page that an address is in. */
export interface Page {
  readonly to: number;
  /** First input address behind it. */
  readonly end: number;
  /** Flags of `IommuProt`; CACHE for accesses that snoop, whatever they ask for. */
  readonly prot: number;
}

/** What IOTLB and tables say of an address. */
export interface Found {
  readonly page: Page | null;
  /** Why there is none. */
  readonly problem: "not present" | "reserved" | "no table" | null;
  /** Level of the entry that said so; null where no entry was read. */
  readonly level: number | null;
  readonly missing: string | null;
}

/** From an address of a space to its page: by the IOTLB, else by the tables, from the paging-structure caches on. */
export class PageWalk {
  readonly iotlb = new Iotlb();
  readonly #options: PageWalkOptions;
  readonly #roots = new Map<number, PageTable>();

  constructor(options: PageWalkOptions) {
    this.#options = options;
  }

  /** Page tables that entries can point to: pointers are physical addresses, and this is the memory behind them. */
  know(pageTable: PageTable): void {
    this.#roots.set(pageTable.rootAddress, pageTable);
  }

  /** Page tables that are not in memory any more. */
  forget(pageTable: PageTable): void {
    if (this.#roots.get(pageTable.rootAddress) === pageTable) this.#roots.delete(pageTable.rootAddress);
  }

  /** Looks an address up that is within the space's width. */
  find(space: AddressSpace, address: number): Found {
    const { pages, absent } = this.iotlb;
    const tag = tagOf(space);
    if (pages.find(tag, address)) {
      const page = { to: pages.address, end: pages.end, prot: pages.attributes };
      return found(page, this.#stale(space, address, page, true));
    }
    if (absent.find(tag, address)) {
      return { ...nothing("not present", null), missing: this.#stale(space, address, null, true) };
    }
    return this.#walk(space, tag, address);
  }

  /** Whether the tables of a space have something else for an address than a page that somebody keeps. */
  isStale(space: AddressSpace, address: number, page: Page): boolean {
    return !same(page, this.#now(space, address));
  }

  /** The invalidation of what the IOTLB keeps for an address and the tables do not have; none where there is no such thing. */
  staleInIotlb(space: AddressSpace, address: number): Descriptor[] {
    const { pages } = this.iotlb;
    if (!pages.find(tagOf(space), address)) return [];
    const page = { to: pages.address, end: pages.end, prot: pages.attributes };
    return this.isStale(space, address, page) ? [wanted(space, address, true)] : [];
  }

  #walk(space: AddressSpace, tag: number, address: number): Found {
    const root = this.#roots.get(space.pageTable);
    if (root === undefined) return nothing("no table", null);
    const { structures, pages, absent } = this.iotlb;
    const start = structures.find(tag, address, root.format.levels);
    const { tables, cachingMode } = this.#options;
    const pageTable = start?.pageTable ?? root;
    const kind = pageTable.fetch(address, start?.depth ?? 0, start?.table ?? 0, (at, bytes) =>
      tables.fetched(at, bytes),
    );
    const { depth, table, level, low, high, size } = pageTable;
    const stop: WalkStart = { pageTable, depth, table };
    if (kind !== Entry.LEAF) {
      this.#keepTables(tag, address, stop, start);
      const missing = start === null ? null : this.#stale(space, address, null, false);
      if (cachingMode && space.stage === "second-level") absent.fill(tag, address, address, PAGE, 0);
      return { ...nothing("not present", level), missing };
    }
    if (this.#isReserved(pageTable, low, high, size)) return nothing("reserved", level);
    const page = {
      to: pageTable.output(address),
      end: Math.floor(address / size + 1) * size,
      prot: protOf(space, pageTable, low, high, level),
    };
    this.#keepTables(tag, address, stop, start);
    pages.fill(tag, address, page.to, size, page.prot);
    return found(page, start === null ? null : this.#stale(space, address, page, false));
  }

  /** Keeps the tables on the way; those behind a start that was kept are kept one by one, as walks end there. */
  #keepTables(tag: number, address: number, stop: WalkStart, start: WalkStart | null): void {
    const { structures } = this.iotlb;
    const { pageTable, depth } = stop;
    if (start === null) {
      for (let above = 1; above < depth; above++)
        structures.keep(tag, address, { pageTable, depth: above, table: pageTable.tableAt(address, above) });
    }
    structures.keep(tag, address, stop);
  }

  #stale(space: AddressSpace, address: number, page: Page | null, leafOnly: boolean): string | null {
    if (same(page, this.#now(space, address))) return null;
    return this.#options.missing(wanted(space, address, leafOnly));
  }

  /** The page that the tables in memory have. */
  #now(space: AddressSpace, address: number): Page | null {
    const pageTable = this.#roots.get(space.pageTable);
    if (pageTable === undefined || address >= pageTable.end) return null;
    if (pageTable.walk(address) !== Entry.LEAF) return null;
    const { low, high, level } = pageTable;
    return { to: pageTable.output(address), end: 0, prot: protOf(space, pageTable, low, high, level) };
  }

  /** SNP without Snoop Control, an address past the host's, or one of a superpage that is not at a multiple of its size. */
  #isReserved({ format }: PageTable, low: number, high: number, size: number): boolean {
    const address = addressIn(low, high);
    const snoops = format.protOf(low, high, 1) & IommuProt.CACHE;
    return (
      (snoops !== 0 && !this.#options.snoopControl) || address >= format.outputEnd || address % size !== 0
    );
  }
}

/** The tag of a space's translations in the IOTLB. */
const tagOf = ({ stage, domain, pasid }: AddressSpace): number =>
  stage === "first-level" ? pasidTag(domain, pasid ?? 0) : domainTag(domain);

/** The invalidation of one page of a space. */
function wanted({ stage, domain, pasid }: AddressSpace, address: number, leafOnly: boolean): Descriptor {
  const block = { address: address - (address % PAGE), mask: 0 };
  if (stage === "first-level") return { kind: "p_iotlb_inv_dsc", domain, pasid: pasid ?? 0, block, leafOnly };
  return { kind: "iotlb_inv_dsc", granularity: "selective", domain, block, leafOnly };
}

const protOf = (
  { pageSnoop }: AddressSpace,
  { format }: PageTable,
  low: number,
  high: number,
  level: number,
): number => format.protOf(low, high, level) | (pageSnoop ? IommuProt.CACHE : 0);

const same = (a: Page | null, b: Page | null): boolean =>
  a === null || b === null ? a === b : a.to === b.to && a.prot === b.prot;

const found = (page: Page, missing: string | null): Found => ({ page, problem: null, level: null, missing });

const nothing = (problem: Found["problem"], level: number | null): Found => ({
  page: null,
  ...{ problem, level, missing: null },
});
