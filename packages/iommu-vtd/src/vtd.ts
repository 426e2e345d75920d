// SPDX-License-Identifier: MIT
import { definePlugin, type Plugin } from "@dmabuf/core";
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
const LEAF = 1 << 4;
const PROT = READ | WRITE | CACHE;
const hex = (value: number): string => `0x${value.toString(16)}`;

/** Two levels of 1024 descriptors of 32 bits: an address above bit 12, bits 0 to 2 what is allowed, bit 4 a page. */
const format: TableFormat = {
  name: "vtd",
  descriptorBytes: 4,
  levels: [
    { level: 1, shift: 22, bits: 10, leaf: false },
    { level: 2, shift: 12, bits: 10, leaf: true },
  ],
  outputEnd: 2 ** 32,
  kindOf: (low) => (low === 0 ? Descriptor.INVALID : (low & LEAF) === 0 ? Descriptor.TABLE : Descriptor.LEAF),
  addressOf: (low) => (low & 0xffff_f000) >>> 0,
  protOf: (low) => low & PROT,
  writeLeaves(words, at, count, _level, address, prot) {
    for (let i = 0; i < count; i++) words[at + i] = address + i * 4096 + (prot & PROT) + LEAF;
  },
  writeTable(words, at, _level, address) {
    words[at] = address + (1 << 5);
  },
};

/** A vtd IOMMU: an address space for each id, and one TLB in front of them. */
class Vtd implements IommuUnit {
  readonly kind = "vtd";
  readonly #tlb = new Tlb(4096, 2 ** 32);
  /** What each id goes through; an id that is not there is blocked. */
  readonly #attached = new Map<number, PagingDomain | "identity">();
  /** The tag in the TLB of each domain. */
  readonly #tags = new Map<IommuTable, number>();

  allocateDomain(): IommuTable {
    const tag = this.#tags.size;
    const domain = new PagingDomain({
      table: new PageTable(format),
      invalidation: {
        range: (iova, size) => this.#tlb.invalidate(tag, iova, size),
        all: () => this.#tlb.invalidateTag(tag),
      },
    });
    this.#tags.set(domain, tag);
    return domain;
  }

  attach({ ids }: IommuMaster, domain: IommuTable | "identity" | "blocked"): void {
    for (const id of ids) {
      if (domain === "blocked") this.#attached.delete(id);
      else this.#attached.set(id, domain as PagingDomain | "identity");
    }
  }

  translation(id: number): DeviceTranslation {
    return { translate: (address, access) => this.#translate(id, address, access) };
  }

  #translate(id: number, address: number, access: number): Translation {
    const domain = this.#attached.get(id);
    if (domain === undefined) return refused("blocked", address);
    if (domain === "identity") return untranslated(address);
    const tag = this.#tags.get(domain) as number;
    const { table } = domain;
    if (!this.#tlb.find(tag, address)) {
      if (address >= table.end || table.fetch(address) !== Descriptor.LEAF)
        return refused("not mapped", address);
      const prot = format.protOf(table.low, table.high, table.level);
      this.#tlb.fill(tag, address, table.output(address), table.size, prot);
      this.#tlb.find(tag, address);
    }
    const { address: to, end, attributes } = this.#tlb;
    if ((access & ~attributes & (READ | WRITE)) !== 0) return refused("no permission", address);
    const missing = table.lookup(address) === to ? null : `an invalidation of ${hex(address)}`;
    return {
      fault: null,
      address: to,
      end,
      snooping: (attributes & CACHE) === 0 ? "never" : "always",
      missing,
    };
  }
}

/** The vtd IOMMU, under the name that the board gives it. */
export const vtd = (name: string): Plugin =>
  definePlugin({
    name: "@dmabuf/iommu-vtd",
    provides: { iommus: { [name]: () => new Vtd() } },
  });
