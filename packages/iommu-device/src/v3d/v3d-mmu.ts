// SPDX-License-Identifier: MIT
import { type CoreServices, demandOptions, type OptionRules } from "@dmabuf/core";
import {
  Descriptor,
  type DeviceTranslation,
  IommuProt,
  PageTable,
  refused,
  type TableMemory,
  Tlb,
  type Translation,
} from "@dmabuf/core/iommu";
import { DescriptorLines } from "../descriptor-lines.ts";
import { MmuContext } from "../mmu-context.ts";
import { MmuCommands } from "../mmu-trace.ts";
import type { MmuFactory, PrivateMmu } from "../private-mmu.ts";
import { v3dBlockSize, v3dFormat } from "./v3d-format.ts";

const SPACE = 2 ** 32;

/** What a V3D driver can forget: the flush of the MMU's cache, or the clear of the TLB behind it. */
export type V3dOmission = "MMUC_CONTROL_FLUSH" | "MMU_CTL_TLB_CLEAR";

/** What kind of GPU it is. */
export interface V3dOptions {
  /** Bus addresses from there on are refused (`MMU_ADDR_CAP`); default none, as the driver leaves it. */
  readonly addressCap?: number;
  /** What the driver forgets; default nothing. */
  readonly omits?: readonly V3dOmission[];
}

const rules: OptionRules<V3dOptions> = {
  addressCap: "any",
  omits: { someOf: ["MMUC_CONTROL_FLUSH", "MMU_CTL_TLB_CLEAR"] },
};

/**
 * The MMU of Broadcom's V3D: one address space of 4 GiB for all clients. The MMUC caches lines of the table, the TLB
 * pages: a flush of the MMUC that does not come before the clear of the TLB is none.
 */
class V3dMmu implements PrivateMmu {
  readonly kind = "V3D MMU";
  readonly addressBits = 36;
  readonly flushes = "at-once";
  readonly translation: DeviceTranslation = {
    translate: (address, access) => this.#translate(address, access),
  };
  readonly #context: MmuContext;
  readonly #commands: MmuCommands;
  readonly #cap: number;
  readonly #omits: ReadonlySet<V3dOmission>;
  readonly #mmuc: DescriptorLines;
  readonly #tlb = new Tlb(4096, SPACE);
  #serves = false;

  constructor(
    memory: TableMemory,
    commands: MmuCommands,
    { addressCap = Number.POSITIVE_INFINITY, omits = [] }: V3dOptions,
  ) {
    this.#commands = commands;
    this.#cap = addressCap;
    this.#omits = new Set(omits);
    this.#mmuc = new DescriptorLines(memory);
    const flush = (): void => this.#flush();
    this.#context = new MmuContext({
      table: new PageTable(v3dFormat, { memory }),
      invalidation: { range: flush, all: flush, mapped: flush },
    });
  }

  createContext(): MmuContext {
    return this.#context;
  }

  destroyContext(): void {}

  switchTo(context: MmuContext | null): void {
    this.#serves = context !== null;
  }

  /** @see v3d_mmu_flush_all */
  #flush(): void {
    if (!this.#omits.has("MMUC_CONTROL_FLUSH")) {
      this.#commands.note("MMUC_CONTROL=FLUSH|ENABLE");
      this.#mmuc.zapAll();
    }
    if (!this.#omits.has("MMU_CTL_TLB_CLEAR")) {
      this.#commands.note("MMU_CTL=TLB_CLEAR");
      this.#tlb.invalidateAll();
    }
  }

  #translate(address: number, access: number): Translation {
    if (!this.#serves || address >= SPACE) return refused(INVALID, address);
    const { table } = this.#context;
    const tlb = this.#tlb;
    if (!tlb.find(0, address)) {
      const pte = this.#mmuc.read(table, address);
      if (v3dFormat.kindOf(pte, 0, 0) !== Descriptor.LEAF)
        return refused(INVALID, address, table.lookup(address) === null ? null : MMUC);
      const page = v3dFormat.addressOf(pte, 0, 0);
      tlb.fill(0, address, page, v3dBlockSize(pte), v3dFormat.protOf(pte, 0, 0));
      tlb.find(0, address);
    }
    const { address: to, end, attributes } = tlb;
    const same = table.lookup(address) === to && v3dFormat.protOf(table.low, 0, 0) === attributes;
    const missing = same ? null : this.#stale(table, address) ? MMUC : "MMU_CTL.TLB_CLEAR";
    if ((access & IommuProt.WRITE) !== 0 && (attributes & IommuProt.WRITE) === 0)
      return refused("write violation (HUB_INT.MMU_WRV, bit 5)", address, missing);
    if (to >= this.#cap) return refused("cap exceeded (HUB_INT.MMU_CAP, bit 3)", address, missing);
    return { fault: null, address: to, end, snooping: "device", missing };
  }

  /** Whether the MMUC has another descriptor than the table. */
  #stale(table: PageTable, address: number): boolean {
    const kept = this.#mmuc.peek(table.granule, address);
    return kept !== null && kept !== table.descriptor(address, 0)?.[0];
  }
}

const INVALID = "pte invalid (HUB_INT.MMU_PTI, bit 4)";
const MMUC = "MMUC_CONTROL.FLUSH before MMU_CTL.TLB_CLEAR";

/** The MMU of Broadcom's V3D, in the Raspberry Pi 4 and 5. @see v3d_mmu.c */
export function v3dMmu(options: V3dOptions = {}): MmuFactory {
  demandOptions("v3dMmu", options, rules);
  return (services: CoreServices, device: string) => {
    // The driver allocates the table write-combined: nothing to clean. @see dma_alloc_wc
    const memory = services.tableMemory({ owner: `${device}'s MMU`, coherentWalk: true });
    return new V3dMmu(memory, new MmuCommands(services, device), options);
  };
}
