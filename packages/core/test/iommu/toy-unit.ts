// SPDX-License-Identifier: MIT
import { type CoreServices, definePlugin, type Plugin } from "../../src/index.ts";
import {
  Descriptor,
  type DeviceTranslation,
  type DomainType,
  type IommuMaster,
  IommuProt,
  type IommuTable,
  type IommuUnit,
  PageTable,
  PagingDomain,
  type PagingDomainOptions,
  type ReservedRegion,
  refused,
  Tlb,
  type Translation,
  untranslated,
} from "../../src/iommu.ts";
import { twoLevel32 } from "./made-up-formats.ts";

const { READ, WRITE, CACHE } = IommuProt;

/** What is special about a toy IOMMU. */
export interface ToyUnitOptions {
  /** Whether the walker snoops; default yes. */
  readonly coherentWalk?: boolean;
  /** Whether the driver cleans what it writes for a walker that does not; default yes. */
  readonly cleans?: boolean;
  /** Whether its mappings say whether they snoop; default no. */
  readonly saysSnooping?: boolean;
  readonly deferredFlush?: boolean;
  readonly defaultDomainType?: (master: IommuMaster) => DomainType | null;
  readonly reservedRegions?: (master: IommuMaster) => readonly ReservedRegion[];
}

/** An IOMMU as plain as one can be: an address space for each domain, one TLB, no registers. Mutants override its parts. */
export class ToyUnit implements IommuUnit {
  readonly kind = "toy";
  /** What was attached, in order. */
  readonly attached: (readonly [ids: string, domain: string])[] = [];
  readonly tlb = new Tlb(4096, 2 ** 32);
  readonly defaultDomainType: (master: IommuMaster) => DomainType | null;
  readonly reservedRegions: (master: IommuMaster) => readonly ReservedRegion[];
  readonly #services: CoreServices;
  readonly #options: ToyUnitOptions;
  readonly #domains: PagingDomain[] = [];
  readonly #current = new Map<number, PagingDomain | "identity">();

  constructor(services: CoreServices, options: ToyUnitOptions = {}) {
    this.#services = services;
    this.#options = options;
    this.defaultDomainType = options.defaultDomainType ?? (() => null);
    this.reservedRegions = options.reservedRegions ?? (() => []);
  }

  allocateDomain(): IommuTable {
    const { coherentWalk = true, cleans = true, deferredFlush = true } = this.#options;
    const memory = this.#services.tableMemory({ owner: "toy", coherentWalk, below4GiB: true });
    const tag = this.tagOf(this.#domains.length);
    const domain = this.domainOf({
      table: new PageTable(twoLevel32, { memory, coherentWalk: coherentWalk || !cleans }),
      deferredFlush,
      invalidation: {
        range: (iova, size) => this.invalidate(tag, iova, size),
        all: () => this.invalidateAll(tag),
      },
    });
    this.#domains.push(domain);
    return domain;
  }

  attach({ ids }: IommuMaster, domain: IommuTable | "identity" | "blocked"): void {
    const name =
      typeof domain === "string" ? domain : `domain ${this.#domains.indexOf(domain as PagingDomain)}`;
    this.attached.push([ids.join(" "), name]);
    for (const id of ids) {
      if (domain === "blocked") this.#current.delete(id);
      else this.#current.set(id, domain as PagingDomain | "identity");
    }
  }

  translation(id: number): DeviceTranslation {
    return { translate: (address, access) => this.translate(id, this.#current.get(id), address, access) };
  }

  protected domainOf(options: PagingDomainOptions): PagingDomain {
    return new PagingDomain(options);
  }

  protected tagOf(domain: number): number {
    return domain;
  }

  protected invalidate(tag: number, iova: number, size: number): void {
    this.tlb.invalidate(tag, iova, size);
  }

  protected invalidateAll(tag: number): void {
    this.tlb.invalidateTag(tag);
  }

  protected translate(
    _id: number,
    domain: PagingDomain | "identity" | undefined,
    address: number,
    access: number,
  ): Translation {
    if (domain === undefined) return refused("blocked", address);
    if (domain === "identity") return untranslated(address);
    const tag = this.tagOf(this.#domains.indexOf(domain));
    if (!this.tlb.find(tag, address) && !this.fill(tag, domain.table, address))
      return refused("not mapped", address);
    const { address: to, end, attributes } = this.tlb;
    if (!this.allows(attributes, access)) return refused("no permission", address);
    const snooping = (attributes & CACHE) === 0 ? "never" : "always";
    return {
      fault: null,
      address: to,
      end,
      snooping: this.#options.saysSnooping === true ? snooping : "device",
      missing: this.missing(domain.table, address, to),
    };
  }

  protected fill(tag: number, table: PageTable, address: number): boolean {
    if (address >= table.end || table.fetch(address) !== Descriptor.LEAF) return false;
    const prot = twoLevel32.protOf(table.low, table.high, table.level);
    this.tlb.fill(tag, address, table.output(address), table.size, prot);
    return this.tlb.find(tag, address);
  }

  protected allows(prot: number, access: number): boolean {
    return (access & ~prot & (READ | WRITE)) === 0;
  }

  protected missing(table: PageTable, address: number, to: number): string | null {
    return table.lookup(address) === to ? null : `an invalidation of 0x${address.toString(16)}`;
  }
}

/** The toy IOMMU as a plugin; `boots` hears of each one that is made. */
export const toyUnit = (
  name: string,
  options: ToyUnitOptions = {},
  boots: (unit: ToyUnit) => void = () => {},
): Plugin =>
  definePlugin({
    name: "@acme/iommu-toy",
    provides: {
      iommus: {
        [name]: (services) => {
          const unit = new ToyUnit(services, options);
          boots(unit);
          return unit;
        },
      },
    },
  });
