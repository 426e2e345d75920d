// SPDX-License-Identifier: MIT
import { type CoreServices, demandOptions, type OptionRules, parseSize, type Size } from "@dmabuf/core";
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
import { LOCAL, type MmuFactory, type PrivateMmu } from "../private-mmu.ts";
import { WalkedTlb } from "../walked-tlb.ts";
import { fragmentOf, gpuPageTable } from "./gpu-page-table.ts";

const SPACE = 2 ** 48;
const { READ, WRITE, CACHE } = IommuProt;
const hex = (value: number): string => `0x${value.toString(16)}`;

/** What the driver of a large GPU can forget of the commands in front of a job. */
export type GpuMmuOmission = "VM_CONTEXT_PAGE_TABLE_BASE_ADDR" | "VM_INVALIDATE_ENG_REQ";

/** What kind of GPU it is. */
export interface GpuMmuOptions {
  /** VMIDs for processes; default 15, since the kernel keeps VMID 0 to itself. */
  readonly vmids?: number;
  /** Memory that the GPU has for itself; default none. */
  readonly localMemory?: Size;
  /** What the driver forgets; default nothing. */
  readonly omits?: readonly GpuMmuOmission[];
}

const rules: OptionRules<GpuMmuOptions> = {
  vmids: { from: 1, to: 15 },
  localMemory: "any",
  omits: { someOf: ["VM_CONTEXT_PAGE_TABLE_BASE_ADDR", "VM_INVALIDATE_ENG_REQ"] },
};

/**
 * The MMU of a large GPU: an address space of 48 bits a process, of which as many are ready at a time as there are
 * VMIDs. The command stream names the tables and invalidates the VMID in front of a job (D24).
 */
class GpuMmu implements PrivateMmu {
  readonly kind = "GPU MMU";
  readonly addressBits = 48;
  readonly flushes = "in-stream";
  readonly localMemory: number;
  readonly translation: DeviceTranslation = {
    translate: (address, access) => this.#translate(address, access),
  };
  readonly #memory: TableMemory;
  readonly #commands: MmuCommands;
  readonly #omits: ReadonlySet<GpuMmuOmission>;
  readonly #vmids: HardwareSlots;
  readonly #tlb = new WalkedTlb(4096, SPACE, ({ low, size, level }) =>
    level === 0 ? size * 2 ** fragmentOf(low) : size,
  );
  readonly #walked = new Map<number, MmuContext>();
  /** Whose entries each VMID has in the TLB, and those that others left there, too. */
  readonly #holders = new Map<number, MmuContext>();
  readonly #leftovers = new Set<number>();
  readonly #flushed = new Map<MmuContext, number>();
  #current: MmuContext | null = null;

  constructor(memory: TableMemory, commands: MmuCommands, options: GpuMmuOptions) {
    const { vmids = 15, localMemory = 0, omits = [] } = options;
    this.localMemory = parseSize(localMemory, "localMemory");
    this.#memory = memory;
    this.#commands = commands;
    this.#omits = new Set(omits);
    this.#vmids = new HardwareSlots(1, vmids);
  }

  createContext(): MmuContext {
    const invalidate = (): void => this.#invalidate(context);
    const context: MmuContext = new MmuContext({
      table: new PageTable(gpuPageTable, { memory: this.#memory }),
      invalidation: { range: invalidate, all: invalidate },
      start: 2 ** 16,
    });
    this.#flushed.set(context, -1);
    return context;
  }

  destroyContext(context: MmuContext): void {
    this.#vmids.release(context);
    this.#flushed.delete(context);
    if (this.#current === context) this.#current = null;
    context.table.free();
  }

  switchTo(context: MmuContext | null): void {
    if (context !== null && !this.#flushed.has(context))
      throw new TypeError(`${this.kind}: not an address space of this MMU`);
    this.#current = context;
    if (context === null) return;
    const had = this.#vmids.slotOf(context);
    const vmid = this.#vmids.take(context);
    if ((this.#holders.get(vmid) ?? context) !== context) this.#leftovers.add(vmid);
    this.#holders.set(vmid, context);
    if (had < 0 && !this.#omits.has("VM_CONTEXT_PAGE_TABLE_BASE_ADDR")) {
      this.#commands.note(`VM_CONTEXT${vmid}_PAGE_TABLE_BASE_ADDR=${hex(context.table.rootAddress)}`);
      this.#walked.set(vmid, context);
    }
    if (had < 0 || this.#flushed.get(context) !== context.changes) context.flushAll();
  }

  /** Drops what the TLB has of the VMID of an address space. @see amdgpu_ring_emit_vm_flush */
  #invalidate(context: MmuContext): void {
    this.#flushed.set(context, context.changes);
    const vmid = this.#vmids.slotOf(context);
    if (vmid < 0 || this.#omits.has("VM_INVALIDATE_ENG_REQ")) return;
    this.#commands.note(`VM_INVALIDATE_ENG_REQ=VMID${vmid}`);
    this.#tlb.invalidateTag(vmid);
    this.#leftovers.delete(vmid);
  }

  #translate(address: number, access: number): Translation {
    const current = this.#current;
    const vmid = current === null ? -1 : this.#vmids.slotOf(current);
    const walked = this.#walked.get(vmid) ?? null;
    const bits = (access & WRITE) === 0 ? 0x2 : 0x4;
    if (current === null || address >= SPACE) return refused(fault(bits + 1, vmid), address);
    const tlb = this.#tlb;
    if (walked === null || !tlb.find(vmid, walked.table, address)) {
      const mapped = current.table.lookup(address) !== null;
      const missing = mapped ? this.#missing(vmid, current, address) : null;
      return refused(fault(bits + 1, vmid), address, missing);
    }
    const differs = tlb.differsFrom(current.table, address);
    const missing = differs ? this.#missing(vmid, current, address) : null;
    if ((access & ~tlb.prot & (READ | WRITE)) !== 0) return refused(fault(bits, vmid), address, missing);
    const snooping = (tlb.prot & CACHE) === 0 ? "never" : "always";
    const inside = (tlb.prot & LOCAL) !== 0;
    return { fault: null, address: tlb.address, end: tlb.end, snooping, missing, inside };
  }

  #missing(vmid: number, current: MmuContext, address: number): string {
    if (this.#walked.get(vmid) !== current)
      return `VM_CONTEXT${vmid}_PAGE_TABLE_BASE_ADDR in the command stream`;
    const page = hex(address - (address % 4096));
    const why = this.#leftovers.has(vmid) ? "for this process" : `since ${page} changed`;
    return `VM_INVALIDATE_ENG_REQ of VMID${vmid} in the command stream, ${why}`;
  }
}

/**
 * As the register has it: bits 7 to 4 say what the page does not allow (1: it is not there, 2: to be read, 4: to be
 * written), 23 to 20 who.
 */
const fault = (permissions: number, vmid: number): string =>
  `VM_L2_PROTECTION_FAULT_STATUS PERMISSION_FAULTS=0x${permissions}, VMID=${Math.max(0, vmid)}`;

/** The MMU of a large GPU with an address space a process. @see amdgpu_vm.c, gmc_v9_0.c */
export function gpuMmu(options: GpuMmuOptions = {}): MmuFactory {
  demandOptions("gpuMmu", options, rules);
  return (services: CoreServices, device: string) => {
    const memory = services.tableMemory({ owner: `${device}'s MMU`, coherentWalk: true });
    return new GpuMmu(memory, new MmuCommands(services, device), options);
  };
}
