// SPDX-License-Identifier: MIT
import { type CoreServices, demandOptions } from "@dmabuf/core";
import {
  type DeviceTranslation,
  IommuProt,
  PageTable,
  refused,
  type TableMemory,
  type Translation,
} from "@dmabuf/core/iommu";
import { HardwareSlots } from "../hardware-slots.ts";
import { MmuContext } from "../mmu-context.ts";
import { MmuCommands } from "../mmu-trace.ts";
import type { MmuFactory, PrivateMmu } from "../private-mmu.ts";
import { WalkedTlb } from "../walked-tlb.ts";
import { lockedRegion } from "./lock-region.ts";
import { maliLpaeFormat } from "./lpae-format.ts";
import { type MaliOmission, type MaliOptions, maliRules } from "./mali-options.ts";

const SPACE = 2 ** 48;
/** Bits of `AS_TRANSTAB`: ADRMODE_TABLE and READ_INNER, and SHARE_OUTER. @see ARM_MALI_LPAE_TTBR_ADRMODE_TABLE */
const TABLE = 0x7;
const SHARE_OUTER = 0x10;
/** Exceptions of `AS_FAULTSTATUS`; the level is added to them. @see DRM_PANFROST_EXCEPTION_TRANSLATION_FAULT_0 */
const TRANSLATION = 0xc0;
const PERMISSION = 0xc8;
const hex = (value: number): string => `0x${value.toString(16)}`;

/**
 * The MMU of Mali's Midgard and Bifrost: any number of address spaces, of which a few have registers at a time. The
 * driver invalidates by commands to an address space as soon as it has changed a table; one without registers is
 * invalidated as a whole when it gets some.
 */
class MaliMmu implements PrivateMmu {
  readonly kind = "Mali MMU";
  readonly addressBits = 40;
  readonly flushes = "at-once";
  readonly translation: DeviceTranslation = {
    translate: (address, access) => this.#translate(address, access),
  };
  readonly #memory: TableMemory;
  readonly #cleans: boolean;
  /** What becomes of a block of which a part is unmapped (M-26). */
  readonly #partialBlocks: "split" | "refuse";
  readonly #rootFlags: number;
  readonly #commands: MmuCommands;
  readonly #omits: ReadonlySet<MaliOmission>;
  readonly #tlb = new WalkedTlb(4096, SPACE);
  readonly #slots: HardwareSlots;
  /** Whose tables each address space of the hardware walks, since its last UPDATE. */
  readonly #walked = new Map<number, MmuContext>();
  /** Whose entries each has in the TLB, and those that others left there, too. */
  readonly #holders = new Map<number, MmuContext>();
  readonly #leftovers = new Set<number>();
  readonly #contexts = new Set<MmuContext>();
  #current: MmuContext | null = null;

  constructor(
    memory: TableMemory,
    commands: MmuCommands,
    partialBlocks: "split" | "refuse",
    options: MaliOptions,
  ) {
    this.#partialBlocks = partialBlocks;
    const { slots = 8, coherentWalk = false, omits = [] } = options;
    this.#memory = memory;
    this.#commands = commands;
    this.#omits = new Set(omits);
    this.#cleans = !coherentWalk && !this.#omits.has("dma_sync_single_for_device");
    this.#rootFlags = coherentWalk ? TABLE + SHARE_OUTER : TABLE;
    this.#slots = new HardwareSlots(0, slots);
  }

  createContext(): MmuContext {
    const flush = (address: number, size: number): void => this.#flushTables(context, address, size);
    const context: MmuContext = new MmuContext({
      table: new PageTable(maliLpaeFormat, {
        memory: this.#memory,
        coherentWalk: !this.#cleans,
        partialBlocks: this.#partialBlocks,
      }),
      invalidation: { range: flush, all: () => flush(0, SPACE), mapped: flush },
      // As the driver has it: the lowest 32 MiB stay free, and 4 GiB are enough. @see panfrost_mmu_ctx_create
      start: 2 ** 25,
      end: 2 ** 32,
    });
    this.#contexts.add(context);
    return context;
  }

  destroyContext(context: MmuContext): void {
    const slot = this.#slots.slotOf(context);
    if (slot >= 0) {
      this.#flushMemory(slot);
      this.#setTables(slot, null);
    }
    this.#slots.release(context);
    this.#contexts.delete(context);
    if (this.#current === context) this.#current = null;
    context.table.free();
  }

  switchTo(context: MmuContext | null): void {
    if (context !== null && !this.#contexts.has(context))
      throw new TypeError(`${this.kind}: not an address space of this MMU`);
    this.#current = context;
    if (context === null) return;
    const had = this.#slots.slotOf(context) >= 0;
    const slot = this.#slots.take(context);
    if (had) return;
    if ((this.#holders.get(slot) ?? context) !== context) this.#leftovers.add(slot);
    this.#holders.set(slot, context);
    this.#flushMemory(slot);
    this.#setTables(slot, context);
  }

  /** Writes `AS_TRANSTAB`, which counts from the UPDATE on. @see panfrost_mmu_enable, panfrost_mmu_disable */
  #setTables(slot: number, context: MmuContext | null): void {
    const root = context === null ? 0 : context.table.rootAddress + this.#rootFlags;
    this.#commands.note(`AS${slot} TRANSTAB=${hex(root)}`);
    if (this.#omits.has("AS_COMMAND_UPDATE")) return;
    this.#commands.note(`AS${slot} COMMAND=UPDATE`);
    if (context === null) this.#walked.delete(slot);
    else this.#walked.set(slot, context);
  }

  #flushMemory(slot: number): void {
    if (this.#omits.has("AS_COMMAND_FLUSH_MEM")) return;
    this.#commands.note(`AS${slot} COMMAND=FLUSH_MEM`);
    this.#tlb.invalidateTag(slot);
    this.#leftovers.delete(slot);
  }

  /** @see panfrost_mmu_flush_range */
  #flushTables(context: MmuContext, address: number, size: number): void {
    const slot = this.#slots.slotOf(context);
    if (slot < 0 || this.#omits.has("AS_COMMAND_FLUSH_PT")) return;
    const region = lockedRegion(address, size);
    this.#commands.note(
      `AS${slot} COMMAND=FLUSH_PT [${hex(region.start)}, ${hex(region.start + region.size)})`,
    );
    this.#tlb.invalidate(slot, region.start, region.size);
  }

  #translate(address: number, access: number): Translation {
    const current = this.#current;
    if (address >= SPACE) return refused(fault("ADDR_SIZE_FAULT_IN0", 0xe0, access), address);
    const slot = current === null ? -1 : this.#slots.slotOf(current);
    const walked = this.#walked.get(slot) ?? null;
    if (current === null || walked === null) {
      const mapped = current !== null && current.table.lookup(address) !== null;
      const missing = mapped ? `AS_COMMAND_UPDATE of AS${slot}` : null;
      return refused(fault("TRANSLATION_FAULT_0", TRANSLATION, access), address, missing);
    }
    const tlb = this.#tlb;
    if (!tlb.find(slot, walked.table, address)) {
      const { level } = walked.table;
      const missing = current.table.lookup(address) === null ? null : this.#missing(slot, current, address);
      return refused(fault(`TRANSLATION_FAULT_${level}`, TRANSLATION + level, access), address, missing);
    }
    const differs = tlb.differsFrom(current.table, address);
    const missing = differs ? this.#missing(slot, current, address) : null;
    if ((access & ~tlb.prot & (IommuProt.READ | IommuProt.WRITE)) !== 0) {
      const { level } = tlb;
      return refused(fault(`PERM_FAULT_${level}`, PERMISSION + level, access), address, missing);
    }
    return { fault: null, address: tlb.address, end: tlb.end, snooping: "device", missing };
  }

  /** What the driver left out, for an answer that is not what the tables of the process say. */
  #missing(slot: number, current: MmuContext, address: number): string {
    if (this.#walked.get(slot) !== current) return `AS_COMMAND_UPDATE of AS${slot}`;
    if (this.#leftovers.has(slot)) return `AS_COMMAND_FLUSH_MEM of AS${slot}`;
    return `AS_COMMAND_FLUSH_PT of ${hex(address - (address % 4096))} in AS${slot}`;
  }
}

/** As `AS_FAULTSTATUS` has it: the exception, and in bits 9 and 8 whether it was read (2) or written (3). */
const fault = (name: string, exception: number, access: number): string =>
  `${name} (AS_FAULTSTATUS ${hex(exception + ((access & IommuProt.WRITE) === 0 ? 0x200 : 0x300))})`;

/** The MMU of Mali GPUs from Midgard on, as the panfrost driver uses it. @see panfrost_mmu.c */
export function maliMmu(options: MaliOptions = {}): MmuFactory {
  demandOptions("maliMmu", options, maliRules);
  return (services: CoreServices, device: string) => {
    const { coherentWalk = false } = options;
    const memory = services.tableMemory({ owner: `${device}'s MMU`, coherentWalk });
    return new MaliMmu(memory, new MmuCommands(services, device), services.kernel.partialBlocks, options);
  };
}
