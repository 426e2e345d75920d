// SPDX-License-Identifier: MIT
import {
  type CoreServices,
  definePlugin,
  demandOptions,
  KernelError,
  type OptionRules,
  type Plugin,
} from "@dmabuf/core";
import {
  type DeviceTranslation,
  type IommuMaster,
  type IommuTable,
  type IommuUnit,
  PageTable,
  PagingDomain,
} from "@dmabuf/core/iommu";
import { MmuCommands } from "../mmu-trace.ts";
import { rockchipV1Format, rockchipV2Format } from "./formats.ts";
import { LineMmu } from "./line-mmu.ts";

const PAGE = 4096;
const hex = (value: number): string => `0x${value.toString(16)}`;

/**
 * What the Rockchip driver can forget: writes of registers, the clean of what it wrote into a table (`rk_table_flush`),
 * or to ask for tables below 4 GiB, which v1 needs.
 */
export type RockchipOmission = "ZAP_ONE_LINE" | "ZAP_CACHE" | "dma_sync_single_for_device" | "GFP_DMA32";

/** What kind of IOMMU it is. */
export interface RockchipOptions {
  /** 1 (`rockchip,iommu`): tables and pages below 4 GiB; 2 (`rockchip,rk3568-iommu`): addresses of 40 bits. Default 1. */
  readonly version?: 1 | 2;
  /** What the driver forgets; default nothing. */
  readonly omits?: readonly RockchipOmission[];
}

const rules: OptionRules<RockchipOptions> = {
  version: { oneOf: [1, 2] },
  omits: { someOf: ["ZAP_ONE_LINE", "ZAP_CACHE", "dma_sync_single_for_device", "GFP_DMA32"] },
};

/** Domains that were not given up, and the IOMMUs that each is attached to: two displays may share one. @see struct rk_iommu_domain */
const domains = new WeakMap<IommuTable, { readonly table: PageTable; readonly users: Set<RockchipIommu> }>();

/** Rockchip's IOMMU, one for each block that has one: it does not tell devices apart, and serves one domain at a time. */
class RockchipIommu implements IommuUnit {
  readonly kind: string;
  readonly #options: RockchipOptions;
  readonly #services: CoreServices;
  readonly #name: string;
  readonly #commands: MmuCommands;
  readonly #hardware: LineMmu;
  readonly #omits: ReadonlySet<RockchipOmission>;
  #empty: IommuTable | null = null;
  /** Who else has the domain that it has. */
  #users: Set<RockchipIommu> | null = null;

  constructor(services: CoreServices, name: string, options: RockchipOptions) {
    const { version = 1, omits = [] } = options;
    this.kind = `Rockchip IOMMU v${version}`;
    this.#options = options;
    this.#services = services;
    this.#name = name;
    this.#commands = new MmuCommands(services, name);
    this.#omits = new Set(omits);
    this.#hardware = new LineMmu(this.#memory());
  }

  /** What its devices say of themselves is nothing: they are one group (M-2). */
  probe(device: string, ids: readonly number[]): readonly number[] {
    const wrong = ids.filter((id) => id !== 0);
    if (wrong.length === 0) return ids;
    const reason = `${device}: its #iommu-cells are 0, so the id is 0, not ${wrong.join(", ")}`;
    throw new KernelError("EINVAL", "rk_iommu_of_xlate", reason);
  }

  /** As the driver's: 4 KiB pages, below 4 GiB, unmapped at once. @see rk_iommu_domain_alloc_paging */
  allocateDomain(): IommuTable {
    const { version = 1 } = this.#options;
    const users = new Set<RockchipIommu>();
    const table = new PageTable(version === 1 ? rockchipV1Format : rockchipV2Format, {
      memory: this.#memory(),
      coherentWalk: this.#omits.has("dma_sync_single_for_device"),
    });
    const domain = new PagingDomain({
      table,
      deferredFlush: false,
      invalidation: {
        range: (iova, size) => {
          for (const user of users) for (let at: number = iova; at < iova + size; at += PAGE) user.#zap(at);
        },
        all: () => {
          for (const user of users) user.#zapCache();
        },
        // Only those at the ends can share a line with what was in use before. @see rk_iommu_zap_iova_first_last
        mapped: (iova, size) => {
          for (const user of users) {
            user.#zap(iova);
            if (size > PAGE) user.#zap(iova + size - PAGE);
          }
        },
      },
    });
    domains.set(domain, { table, users });
    return domain;
  }

  attach({ devices }: IommuMaster, domain: IommuTable | "identity" | "blocked", substream = 0): void {
    if (substream !== 0) throw this.#error("EOPNOTSUPP", `${devices[0]}: it knows no PASIDs`);
    const wanted = domain === "blocked" ? this.#emptyDomain() : domain;
    const made = wanted === "identity" ? undefined : domains.get(wanted);
    if (wanted !== "identity" && made === undefined)
      throw this.#error("EINVAL", `${devices[0]}: a domain of another IOMMU, or one that was given up`);
    this.#users?.delete(this);
    this.#users = made?.users ?? null;
    const hardware = this.#hardware;
    if (made === undefined) {
      this.#commands.note("COMMAND=DISABLE_PAGING");
      hardware.dte = null;
      hardware.wanted = null;
      return;
    }
    const { table, users } = made;
    users.add(this);
    this.#commands.note(`DTE_ADDR=${hex(table.rootAddress)}`);
    hardware.dte = table;
    hardware.wanted = table;
    this.#zapCache();
    this.#commands.note("COMMAND=ENABLE_PAGING");
  }

  /** @see rk_iommu_domain_free */
  freeDomain(domain: IommuTable): void {
    const made = domains.get(domain);
    if (made === undefined) return;
    domains.delete(domain);
    made.table.free();
  }

  translation(): DeviceTranslation {
    return this.#hardware;
  }

  /** What a device goes through that is blocked: one domain for good, in which nobody maps. */
  #emptyDomain(): IommuTable {
    this.#empty ??= this.allocateDomain();
    return this.#empty;
  }

  #zap(iova: number): void {
    if (this.#omits.has("ZAP_ONE_LINE")) return;
    this.#commands.note(`ZAP_ONE_LINE=${hex(iova)}`);
    this.#hardware.zapOneLine(iova);
  }

  #zapCache(): void {
    if (this.#omits.has("ZAP_CACHE")) return;
    this.#commands.note("COMMAND=ZAP_CACHE");
    this.#hardware.zapCache();
  }

  #memory() {
    const { version = 1 } = this.#options;
    const owner = this.#name;
    const below4GiB = version === 1 && !this.#omits.has("GFP_DMA32");
    return this.#services.tableMemory({ owner, coherentWalk: false, below4GiB });
  }

  #error(errno: "EINVAL" | "EOPNOTSUPP", reason: string): KernelError {
    return new KernelError(errno, "rk_iommu_attach_device", reason);
  }
}

/** Rockchip's IOMMU, under the name that the board gives it; devices behind it have the id 0. @see rockchip-iommu.c */
export function rockchipIommu(name: string, options: RockchipOptions = {}): Plugin {
  demandOptions(name, options, rules);
  return definePlugin({
    name: `@dmabuf/iommu-device rockchip ${name}`,
    provides: { iommus: { [name]: (services) => new RockchipIommu(services, name, options) } },
  });
}
