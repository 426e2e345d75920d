// SPDX-License-Identifier: MIT
import { type CoreServices, definePlugin, type Plugin } from "@dmabuf/core";
import {
  Descriptor,
  type DeviceTranslation,
  type IommuMaster,
  IommuProt,
  type IommuTable,
  type IommuUnit,
  PageTable,
  PagingDomain,
  refused,
  type TableFormat,
  Tlb,
  type Translation,
  untranslated,
} from "@dmabuf/core/iommu";

const { READ, WRITE, CACHE } = IommuProt;
const PAGE = 4096;
const hex = (value: number): string => `0x${value.toString(16)}`;

/** Bit 3 of a descriptor is a page, bit 4 a table; bits 0 to 2 are what is allowed, bits 12 to 31 the address. */
const format: TableFormat = {
  name: "MMU-32",
  descriptorBytes: 4,
  levels: [
    { level: 1, shift: 22, bits: 10, leaf: false },
    { level: 2, shift: 12, bits: 10, leaf: true },
  ],
  outputEnd: 2 ** 32,
  kindOf: (low) =>
    (low & 8) !== 0 ? Descriptor.LEAF : (low & 16) !== 0 ? Descriptor.TABLE : Descriptor.INVALID,
  addressOf: (low) => (low & 0xffff_f000) >>> 0,
  protOf: (low) => low & (READ | WRITE | CACHE),
  writeLeaves(words, at, count, _level, address, prot) {
    const flags = (prot & (READ | WRITE | CACHE)) | 8;
    for (let i = 0; i < count; i++) words[at + i] = address + i * PAGE + flags;
  },
  writeTable(words, at, _level, address) {
    words[at] = address + 16;
  },
};

/** How the machine and its driver are. */
export interface Mmu32Options {
  /** Whether the table walker snoops the CPU's caches; default no. */
  readonly coherentWalk?: boolean;
  /** What a faulty driver leaves out; default nothing. */
  readonly omits?: "invalidate" | "clean";
}

/** An MMU-32, hardware and driver: an address space for each domain, and a TLB with the domain's number as its tag. */
class Mmu32 implements IommuUnit {
  readonly kind = "MMU-32";
  readonly #services: CoreServices;
  readonly #options: Mmu32Options;
  readonly #tlb = new Tlb(PAGE, 2 ** 32);
  readonly #tags = new Map<IommuTable, number>();
  /** The context register of each id. */
  readonly #contexts = new Map<number, PagingDomain | "identity">();

  constructor(services: CoreServices, options: Mmu32Options) {
    this.#services = services;
    this.#options = options;
  }

  allocateDomain(): IommuTable {
    const { coherentWalk = false, omits } = this.#options;
    const memory = this.#services.tableMemory({ owner: this.kind, coherentWalk, below4GiB: true });
    const tag = this.#tags.size;
    const domain = new PagingDomain({
      table: new PageTable(format, { memory, coherentWalk: coherentWalk || omits === "clean" }),
      invalidation: {
        range: (iova, size) => {
          if (omits !== "invalidate") this.#tlb.invalidate(tag, iova, size);
        },
        all: () => this.#tlb.invalidateTag(tag),
      },
    });
    this.#tags.set(domain, tag);
    return domain;
  }

  attach({ ids }: IommuMaster, domain: IommuTable | "identity" | "blocked"): void {
    for (const id of ids) {
      if (domain === "blocked") this.#contexts.delete(id);
      else this.#contexts.set(id, domain as PagingDomain | "identity");
    }
  }

  translation(id: number): DeviceTranslation {
    return { translate: (address, access) => this.#translate(id, address, access) };
  }

  #translate(id: number, address: number, access: number): Translation {
    const context = this.#contexts.get(id);
    if (context === undefined) return refused("CONTEXT_FAULT", address);
    if (context === "identity") return untranslated(address);
    const tag = this.#tags.get(context) as number;
    const { table } = context;
    if (!this.#tlb.find(tag, address)) {
      if (address >= table.end || table.fetch(address) !== Descriptor.LEAF)
        return refused(`PAGE_FAULT, level ${table.level}`, address);
      const prot = format.protOf(table.low, table.high, table.level);
      this.#tlb.fill(tag, address, table.output(address), table.size, prot);
      this.#tlb.find(tag, address);
    }
    const { address: to, end, attributes } = this.#tlb;
    const right =
      table.lookup(address) === to && format.protOf(table.low, table.high, table.level) === attributes;
    const missing = right ? null : `TLB_INV of ${hex(address - (address % PAGE))} for context ${tag}`;
    if ((access & ~attributes & (READ | WRITE)) !== 0) return refused("PERMISSION_FAULT", address, missing);
    return {
      fault: null,
      address: to,
      end,
      snooping: (attributes & CACHE) === 0 ? "never" : "always",
      missing,
    };
  }
}

/** An MMU-32, under the name that the board gives it. */
export const mmu32 = (name: string, options: Mmu32Options = {}): Plugin =>
  definePlugin({
    name: "@acme/iommu-mmu32",
    provides: { iommus: { [name]: (services) => new Mmu32(services, options) } },
  });
