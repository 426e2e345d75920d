// SPDX-License-Identifier: MIT
import { type CoreServices, demandOptions, type OptionRules } from "@dmabuf/core";
import {
  type DeviceTranslation,
  PageTable,
  refused,
  type TableMemory,
  Tlb,
  type Translation,
} from "@dmabuf/core/iommu";
import { MmuContext } from "../mmu-context.ts";
import { MmuCommands } from "../mmu-trace.ts";
import type { MmuFactory, PrivateMmu } from "../private-mmu.ts";
import { etnavivV1Format } from "./v1-format.ts";

/** Where the pages begin, and the linear window ends. @see GPU_MEM_START */
const PAGED = 0x8000_0000;
const ALIGNMENT = 2 ** 27;
const hex = (value: number): string => `0x${value.toString(16)}`;

/** What an etnaviv driver with MMUv1 can forget: the load of that state in front of a job. */
export type EtnavivV1Omission = "GL_FLUSH_MMU";

/** What kind of core it is. */
export interface EtnavivV1Options {
  /** Bus address of the command buffers, which the linear window must show; default 0. */
  readonly commandBuffer?: number;
  /** Whether the memory controller is an MC2.0, or the core has no 3D, so that the window can lie anywhere; default yes. */
  readonly mc20?: boolean;
  /** What the driver forgets; default nothing. */
  readonly omits?: readonly EtnavivV1Omission[];
}

/**
 * Where the linear window begins on the bus: as far up as it needs to be to show the command buffers, at most at 2 GiB.
 * An MC1.0 stays at 0 while it can.
 * @see etnaviv_gpu_init
 */
export function linearBase(commandBuffer: number, mc20: boolean): number {
  const aligned = commandBuffer - (commandBuffer % ALIGNMENT);
  if (mc20) return Math.min(aligned, PAGED);
  return aligned + ALIGNMENT >= PAGED ? PAGED : 0;
}

const rules: OptionRules<EtnavivV1Options> = {
  commandBuffer: { from: 0, to: 0xffff_ffff },
  mc20: "flag",
  omits: { someOf: ["GL_FLUSH_MMU"] },
};

/**
 * MMUv1 of Vivante's GC cores: the lower 2 GiB of the core's addresses are a window onto 2 GiB of the bus, the upper 2
 * GiB go through one table for everybody. The command stream flushes. There are no faults: what is not mapped is the
 * bad page; that is where the model refuses, since no driver wants it.
 */
class EtnavivV1 implements PrivateMmu {
  readonly kind = "etnaviv MMUv1";
  readonly addressBits = 32;
  readonly flushes = "in-stream";
  readonly translation: DeviceTranslation = { translate: (address) => this.#translate(address) };
  readonly #context: MmuContext;
  readonly #base: number;
  readonly #badPage: number;
  readonly #commands: MmuCommands;
  readonly #tlb = new Tlb(4096, PAGED);
  readonly #omitsFlush: boolean;
  #flushed = 0;
  #serves = false;

  constructor(
    memory: TableMemory,
    commands: MmuCommands,
    { commandBuffer = 0, mc20 = true, omits = [] }: EtnavivV1Options,
  ) {
    this.#base = linearBase(commandBuffer, mc20);
    this.#commands = commands;
    this.#omitsFlush = omits.includes("GL_FLUSH_MMU");
    this.#badPage = memory.allocate(4096);
    const flush = (): void => this.#flush();
    this.#context = new MmuContext({
      table: new PageTable(etnavivV1Format(this.#badPage), { memory }),
      invalidation: { range: flush, all: flush, mapped: flush },
      base: PAGED,
      start: PAGED,
    });
  }

  createContext(): MmuContext {
    return this.#context;
  }

  destroyContext(): void {}

  switchTo(context: MmuContext | null): void {
    this.#serves = context !== null;
    if (this.#context.changes !== this.#flushed) this.#context.flushAll();
  }

  linear(bus: number, size: number): number | null {
    const address = bus - this.#base;
    return address >= 0 && address < PAGED - size ? address : null;
  }

  #flush(): void {
    this.#flushed = this.#context.changes;
    if (this.#omitsFlush) return;
    this.#commands.note("GL_FLUSH_MMU=FEMMU|PEMMU");
    this.#tlb.invalidateAll();
  }

  #translate(address: number): Translation {
    if (address < PAGED)
      return { fault: null, address: address + this.#base, end: PAGED, snooping: "device", missing: null };
    const at = address - PAGED;
    if (at >= PAGED) return refused("the core has addresses of 32 bits", address);
    if (!this.#serves) return refused("no job of an address space runs", address);
    const tlb = this.#tlb;
    const { table } = this.#context;
    if (!tlb.find(0, at)) {
      table.fetch(at);
      tlb.fill(0, at, table.low, table.granule, 0);
      tlb.find(0, at);
    }
    const to = tlb.address;
    const current = table.lookup(at);
    if (to - (to % table.granule) === this.#badPage) {
      const reason = `not mapped, and MMUv1 has no faults: the bad page at ${hex(this.#badPage)} answers`;
      return refused(reason, address, current === null ? null : flushOf(address));
    }
    const missing = current === to ? null : flushOf(address);
    return { fault: null, address: to, end: PAGED + tlb.end, snooping: "device", missing };
  }
}

const flushOf = (address: number): string =>
  `GL_FLUSH_MMU in the command stream, since ${hex(address - (address % 4096))} changed`;

/** MMUv1 of etnaviv's GC cores (GC320, GC600, GC2000). @see etnaviv_iommu.c */
export function etnavivV1(options: EtnavivV1Options = {}): MmuFactory {
  demandOptions("etnavivV1", options, rules);
  return (services: CoreServices, device: string) => {
    // The driver allocates tables write-combined: nothing to clean. @see dma_alloc_wc
    const memory = services.tableMemory({
      owner: `${device}'s MMUv1`,
      coherentWalk: true,
      below4GiB: true,
    });
    return new EtnavivV1(memory, new MmuCommands(services, device), options);
  };
}
