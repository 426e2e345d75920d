// SPDX-License-Identifier: MIT
import { type CoreServices, demandOptions, KernelError, type OptionRules } from "@dmabuf/core";
import {
  type DeviceTranslation,
  IommuProt,
  PageTable,
  refused,
  type TableMemory,
  type Translation,
} from "@dmabuf/core/iommu";
import { MmuContext } from "../mmu-context.ts";
import { MmuCommands } from "../mmu-trace.ts";
import type { MmuFactory, PrivateMmu } from "../private-mmu.ts";
import { WalkedTlb } from "../walked-tlb.ts";
import { etnavivV2Format } from "./v2-format.ts";

/** Page table arrays hold so many address spaces. @see ETNAVIV_PTA_ENTRIES */
const PTA_ENTRIES = 512;
const SPACE = 2 ** 32;
const hex = (value: number): string => `0x${value.toString(16)}`;

/** What an etnaviv driver with MMUv2 can forget: one of the states that a job's command stream loads. */
export type EtnavivV2Omission = "MMUv2_CONFIGURATION" | "MMUv2_PTA_CONFIG";

/** What kind of core it is. */
export interface EtnavivV2Options {
  /**
   * Whether the kernel claims the core's security states: then address spaces are chosen in a page table array. Default no.
   */
  readonly secure?: boolean;
  /** What the driver forgets; default nothing. */
  readonly omits?: readonly EtnavivV2Omission[];
}

const rules: OptionRules<EtnavivV2Options> = {
  secure: "flag",
  omits: { someOf: ["MMUv2_CONFIGURATION", "MMUv2_PTA_CONFIG"] },
};

/**
 * MMUv2 of Vivante's GC cores: address spaces of 32 bits, one a process, and a TLB that the command stream flushes as a
 * whole.
 */
class EtnavivV2 implements PrivateMmu {
  readonly kind = "etnaviv MMUv2";
  readonly addressBits = 40;
  readonly flushes = "in-stream";
  readonly translation: DeviceTranslation = {
    translate: (address, access) => this.#translate(address, access),
  };
  readonly #memory: TableMemory;
  readonly #commands: MmuCommands;
  readonly #secure: boolean;
  readonly #omits: ReadonlySet<EtnavivV2Omission>;
  readonly #tlb = new WalkedTlb(4096, SPACE);
  /** Address spaces by their index in the page table array. */
  readonly #pta: (MmuContext | null)[] = [];
  readonly #flushed = new WeakMap<MmuContext, number>();
  /** Whose job runs, and whose tables the MMU walks. */
  #current: MmuContext | null = null;
  #walked: MmuContext | null = null;
  /** Whether the TLB has entries of another address space. */
  #leftovers = false;

  constructor(memory: TableMemory, commands: MmuCommands, { secure = false, omits = [] }: EtnavivV2Options) {
    this.#memory = memory;
    this.#commands = commands;
    this.#secure = secure;
    this.#omits = new Set(omits);
  }

  createContext(): MmuContext {
    const free = this.#pta.indexOf(null);
    const id = free < 0 ? this.#pta.length : free;
    if (id === PTA_ENTRIES) {
      const reason = `the page table array has ${PTA_ENTRIES} entries, all are taken`;
      throw new KernelError("ENOMEM", "etnaviv_iommuv2_context_alloc", reason);
    }
    const flush = (): void => this.#configure();
    const context: MmuContext = new MmuContext({
      table: new PageTable(etnavivV2Format, { memory: this.#memory }),
      invalidation: { range: flush, all: flush },
      end: SPACE - 4096,
    });
    this.#pta[id] = context;
    return context;
  }

  destroyContext(context: MmuContext): void {
    this.#pta[this.#idOf(context)] = null;
    if (this.#current === context) {
      this.#current = null;
      this.#walked = null;
    }
    context.table.free();
  }

  switchTo(context: MmuContext | null): void {
    const id = context === null ? -1 : this.#idOf(context);
    const switched = context !== this.#current;
    if (switched && this.#current !== null) this.#leftovers = true;
    this.#current = context;
    if (switched && this.#secure && !this.#omits.has("MMUv2_PTA_CONFIG")) {
      if (context !== null) this.#commands.note(`MMUv2_PTA_CONFIG.INDEX=${id}`);
      this.#walked = context;
    }
    const changed = context !== null && this.#flushed.get(context) !== context.changes;
    if (changed) context.flushAll();
    else if (switched) this.#configure();
  }

  /** The load of MMUv2_CONFIGURATION: flushes, and without a page table array names the MTLB. */
  #configure(): void {
    const context = this.#current;
    if (context !== null) this.#flushed.set(context, context.changes);
    if (this.#omits.has("MMUv2_CONFIGURATION")) return;
    const root = this.#secure || context === null ? "" : `${hex(context.table.rootAddress)}|`;
    this.#commands.note(`MMUv2_CONFIGURATION=${root}MODE4_K|FLUSH`);
    if (!this.#secure) this.#walked = context;
    this.#leftovers = false;
    this.#tlb.invalidateAll();
  }

  #idOf(context: MmuContext): number {
    const id = this.#pta.indexOf(context);
    if (id < 0) throw new TypeError(`${this.kind}: not an address space of this MMU`);
    return id;
  }

  #translate(address: number, access: number): Translation {
    if (address >= SPACE) return refused("out of bound (MMUv2_STATUS 0x4)", address);
    const walked = this.#walked;
    if (walked === null)
      return refused("slave not present (MMUv2_STATUS 0x1)", address, this.#missing(address));
    const tlb = this.#tlb;
    if (!tlb.find(0, walked.table, address)) {
      const fault = walked.table.level === 0 ? "slave not present" : "page not present";
      const status = walked.table.level === 0 ? 1 : 2;
      return refused(`${fault} (MMUv2_STATUS 0x${status})`, address, this.#missing(address));
    }
    const missing = this.#missing(address, tlb);
    if ((access & IommuProt.WRITE) !== 0 && (tlb.prot & IommuProt.WRITE) === 0)
      return refused("write violation (MMUv2_STATUS 0x3)", address, missing);
    return { fault: null, address: tlb.address, end: tlb.end, snooping: "device", missing };
  }

  /** What the job's command stream did not load, for an answer that is not what the job's tables say. */
  #missing(address: number, found: WalkedTlb | null = null): string | null {
    const current = this.#current;
    if (current === null) return null;
    const { table } = current;
    const differs = found === null ? table.lookup(address) !== null : found.differsFrom(table, address);
    if (!differs) return null;
    if (this.#secure && this.#walked !== current)
      return `MMUv2_PTA_CONFIG.INDEX=${this.#idOf(current)} in the command stream`;
    const page = hex(address - (address % 4096));
    const why = this.#leftovers ? "for this process" : `since ${page} changed`;
    return `MMUv2_CONFIGURATION with FLUSH in the command stream, ${why}`;
  }
}

/** MMUv2 of etnaviv's GC cores (GC3000, GC7000). @see etnaviv_iommu_v2.c */
export function etnavivV2(options: EtnavivV2Options = {}): MmuFactory {
  demandOptions("etnavivV2", options, rules);
  return (services: CoreServices, device: string) => {
    // The driver allocates tables write-combined: nothing to clean. @see dma_alloc_wc
    const memory = services.tableMemory({
      owner: `${device}'s MMUv2`,
      coherentWalk: true,
      below4GiB: true,
    });
    return new EtnavivV2(memory, new MmuCommands(services, device), options);
  };
}
