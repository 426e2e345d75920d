// SPDX-License-Identifier: MIT
import {
  Descriptor,
  IommuProt,
  type PageTable,
  type Snooping,
  type TableMemory,
  type Translation,
  untranslated,
} from "@dmabuf/core/iommu";
import type { LeafAttributes } from "../lpae/leaf-attributes.ts";
import type { ContextBank, ContextTables } from "./context-bank.ts";
import type { ContextFaultKind } from "./fault-status.ts";
import { missingInvalidation } from "./missing-invalidation.ts";
import type { SmmuTlb } from "./smmu-tlb.ts";
import { TlbEntry } from "./tlb-entry.ts";

const { READ, WRITE, PRIV } = IommuProt;

/** Why a context bank refuses an access. */
export interface ContextFault {
  readonly kind: ContextFaultKind;
  readonly address: number;
  readonly level: number;
  readonly write: boolean;
  readonly privileged: boolean;
  /** What software left out, where the refusal is not what the tables say. */
  readonly missing: string | null;
}

/** What a walk came to that ended without a page. */
type WalkFailure = Pick<ContextFault, "kind" | "level" | "missing">;

/** How context banks translate: TLB, walk caches, table walks. @see Arm ARM D8.2 "Translation process" */
export class ContextTranslation {
  readonly #tlb: SmmuTlb;
  readonly #memory: TableMemory;
  readonly #aborts: (address: number) => boolean;

  /** @param aborts whether the bus answers the walker with an error there */
  constructor(tlb: SmmuTlb, memory: TableMemory, aborts: (address: number) => boolean) {
    this.#tlb = tlb;
    this.#memory = memory;
    this.#aborts = aborts;
  }

  /** Where an access gets to, or why not. */
  translate(bank: ContextBank, address: number, access: number): Translation | ContextFault {
    const { tables } = bank;
    if (tables === null) return untranslated(address);
    const { table, format, tag } = tables;
    const { pages } = this.#tlb;
    if (address >= table.end) return faultOf(address, access, { kind: "TF", level: 0, missing: null });
    if (!pages.find(tag, address)) {
      const failure = this.#walk(bank, tables, address);
      if (failure !== null) return faultOf(address, access, failure);
      pages.find(tag, address);
    }
    const { address: to, end } = pages;
    const entry = new TlbEntry(pages.attributes);
    const leaf = format.attributesOf(entry.low, entry.high);
    const missing = this.#missing(bank, tables, address, to, entry);
    if (!permits(leaf, access)) return faultOf(address, access, { kind: "PF", level: entry.level, missing });
    return { fault: null, address: to, end, snooping: snoopingOf(tables, leaf), missing };
  }

  /** Walks the tables from the deepest one that is known, and keeps what it finds; why not where it finds nothing. */
  #walk(bank: ContextBank, tables: ContextTables, address: number): WalkFailure | null {
    const { table, format, tag } = tables;
    const { pages, walks } = this.#tlb;
    const known = walks.find(tag, table, address);
    const from = known?.pages ?? table;
    const first = known?.depth ?? 0;
    let reads = 0;
    let abortedAt = -1;
    const kind = from.fetch(address, first, known?.table, (descriptor, bytes) => {
      if (abortedAt < 0 && this.#aborts(descriptor)) abortedAt = first + reads;
      if (abortedAt < 0) this.#memory.fetched(descriptor, bytes);
      reads++;
    });
    if (abortedAt >= 0) return { kind: "EF", level: format.startLevel + abortedAt, missing: null };
    const { depth, table: last, low, high, level, size } = from;
    this.#keepWay(tag, from, address, first, depth, last);
    if (kind !== Descriptor.LEAF)
      return { kind: "TF", level, missing: this.#wrongWay(bank, tables, address) };
    if (!format.attributesOf(low, high).accessFlag) return { kind: "AFF", level, missing: null };
    const output = format.addressOf(low, high, level) + (address % size);
    if (output >= format.outputEnd) return { kind: "ASF", level, missing: null };
    pages.fill(tag, address, output, size, TlbEntry.pack(low, high, level, bank.generation));
    return null;
  }

  /** The tables that a walk from `first` to `depth` came by; those between are known when it began at the root. */
  #keepWay(tag: number, pages: PageTable, address: number, first: number, depth: number, last: number): void {
    const { walks } = this.#tlb;
    if (first === 0)
      for (let at = 1; at < depth; at++)
        walks.fill(tag, address, { pages, depth: at, table: pages.tableAt(address, at) });
    walks.fill(tag, address, { pages, depth, table: last });
  }

  /** What software left out, when the tables do not say what the TLB says. */
  #missing(
    bank: ContextBank,
    tables: ContextTables,
    address: number,
    to: number,
    entry: TlbEntry,
  ): string | null {
    const { table } = tables;
    const says = table.walk(address) === Descriptor.LEAF && table.output(address) === to;
    if (says && entry.isOf(table.low, table.high)) return null;
    return missingInvalidation(this.#tlb, bank, tables, address, entry.isFromBefore(bank.generation));
  }

  /** What software left out, when the walk came to nothing where the tables have a page. */
  #wrongWay(bank: ContextBank, tables: ContextTables, address: number): string | null {
    if (tables.table.walk(address) !== Descriptor.LEAF) return null;
    return missingInvalidation(this.#tlb, bank, tables, address, false);
  }
}

const faultOf = (address: number, access: number, failure: WalkFailure): ContextFault => ({
  ...failure,
  address,
  write: (access & WRITE) !== 0,
  privileged: (access & PRIV) !== 0,
});

const permits = ({ access: allowed }: LeafAttributes, access: number): boolean =>
  (access & ~allowed & (READ | WRITE)) === 0 && ((allowed & PRIV) === 0 || (access & PRIV) !== 0);

/**
 * Which accesses snoop. The tables of stage 1 say what memory it is; those of stage 2 can only make it weaker than the device
 * says, so that write-back leaves it as it is. @see Arm ARM D8.6 "Memory region attributes"
 */
function snoopingOf({ format }: ContextTables, { type, shareability }: LeafAttributes): Snooping {
  if (type !== "normal-wb" || shareability === "non") return "never";
  return format.config.stage === 1 ? "always" : "device";
}
