// SPDX-License-Identifier: MIT
import { type CoreServices, demandOptions, type OptionRules } from "@dmabuf/core";
import { type DeviceTranslation, PageTable, refused, type TableMemory } from "@dmabuf/core/iommu";
import { MmuContext } from "../mmu-context.ts";
import { MmuCommands } from "../mmu-trace.ts";
import type { MmuFactory, PrivateMmu } from "../private-mmu.ts";
import { limaFormat } from "./formats.ts";
import { LineMmu } from "./line-mmu.ts";

/**
 * What a lima driver can forget when it changes to another process: the write of `DTE_ADDR`, or the zap of what the
 * last one left.
 */
export type LimaOmission = "DTE_ADDR" | "ZAP_CACHE";

/** What kind of driver it is. */
export interface LimaOptions {
  /** What the driver forgets; default nothing. */
  readonly omits?: readonly LimaOmission[];
}

const rules: OptionRules<LimaOptions> = {
  omits: { someOf: ["DTE_ADDR", "ZAP_CACHE"] },
};

/**
 * The MMU of Mali-400 and 450: an address space a process, switched and zapped in front of every job.
 * @see lima_mmu_switch_vm
 */
class LimaMmu implements PrivateMmu {
  readonly kind = "Mali-400 MMU";
  readonly addressBits = 32;
  readonly flushes = "in-stream";
  readonly translation: DeviceTranslation = {
    translate: (address, access) =>
      this.#hardware.dte === null
        ? refused("PAGE_FAULT (INT_STATUS 0x1): no address space", address)
        : this.#hardware.translate(address, access),
  };
  readonly #memory: TableMemory;
  readonly #commands: MmuCommands;
  readonly #omits: ReadonlySet<LimaOmission>;
  readonly #hardware: LineMmu;
  readonly #contexts = new Set<MmuContext>();

  constructor(memory: TableMemory, commands: MmuCommands, { omits = [] }: LimaOptions) {
    this.#memory = memory;
    this.#commands = commands;
    this.#omits = new Set(omits);
    this.#hardware = new LineMmu(memory);
  }

  createContext(): MmuContext {
    const flush = (): void => this.#zapCache();
    const context = new MmuContext({
      table: new PageTable(limaFormat, { memory: this.#memory }),
      // What it has read of a line of descriptors holds for those that mapped nothing, too.
      invalidation: { range: flush, all: flush, mapped: flush },
    });
    this.#contexts.add(context);
    return context;
  }

  destroyContext(context: MmuContext): void {
    this.#contexts.delete(context);
    const hardware = this.#hardware;
    if (hardware.wanted === context.table) {
      hardware.wanted = null;
      hardware.dte = null;
    }
    context.table.free();
  }

  switchTo(context: MmuContext | null): void {
    if (context !== null && !this.#contexts.has(context))
      throw new TypeError(`${this.kind}: not an address space of this MMU`);
    const hardware = this.#hardware;
    hardware.wanted = context?.table ?? null;
    if (context === null || !this.#omits.has("DTE_ADDR") || hardware.dte === null) {
      hardware.dte = context?.table ?? null;
      if (context !== null) this.#commands.note(`DTE_ADDR=0x${context.table.rootAddress.toString(16)}`);
    }
    if (context === null) return;
    context.flushAll();
  }

  #zapCache(): void {
    if (this.#omits.has("ZAP_CACHE")) return;
    this.#commands.note("COMMAND=ZAP_CACHE");
    this.#hardware.zapCache();
  }
}

/** The MMU of Mali-400 and 450 GPUs. @see lima_mmu.c */
export function limaMmu(options: LimaOptions = {}): MmuFactory {
  demandOptions("limaMmu", options, rules);
  return (services: CoreServices, device: string) => {
    // The driver allocates tables write-combined: nothing to clean. @see dma_alloc_wc
    const memory = services.tableMemory({ owner: `${device}'s MMU`, coherentWalk: true, below4GiB: true });
    return new LimaMmu(memory, new MmuCommands(services, device), options);
  };
}
