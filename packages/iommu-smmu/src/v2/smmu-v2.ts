// SPDX-License-Identifier: MIT
import {
  IommuProt,
  refused,
  type Snooping,
  type TableMemory,
  type Translation,
  untranslated,
} from "@dmabuf/core/iommu";
import type { Trace } from "@dmabuf/core/sim";
import { ContextBank } from "./context-bank.ts";
import { type ContextFault, ContextTranslation } from "./context-translation.ts";
import { faultNames, type GlobalFaultKind, globalFaultBits } from "./fault-status.ts";
import { sCR0, sGFSR, sGFSYNR0 } from "./registers.ts";
import { GLOBAL, SmmuTlb, type Tlbi } from "./smmu-tlb.ts";
import { contextFault, globalFault, tlbInvalidate, tlbSync } from "./smmu-trace.ts";
import { type BypassMemory, StreamMap } from "./stream-map.ts";

const hex = (value: number): string => `0x${value.toString(16)}`;

/** What an SMMU is built with. */
export interface SmmuV2Hardware {
  readonly name: string;
  readonly contextBanks: number;
  readonly streamMatches: number;
  /** Bytes of the smallest page, and the first address that no table translates. */
  readonly granule: number;
  readonly end: number;
  readonly trace: Trace;
  /** Where the tables are. */
  readonly memory: TableMemory;
  /** Whether the bus answers the walker with an error there. */
  readonly aborts: (address: number) => boolean;
}

/** An SMMUv2 as its registers and the transactions of devices see it. @see IHI 0062, MMU-500 TRM */
export class SmmuV2 {
  readonly streams: StreamMap;
  readonly banks: readonly ContextBank[];
  readonly tlb: SmmuTlb;
  /** sCR0: past it everything goes, as after reset. */
  scr0: number = sCR0.CLIENTPD;
  gfsr = 0;
  gfar = 0;
  gfsynr0 = 0;
  gfsynr1 = 0;
  /** Interrupt handlers; what they do is done when they return. */
  onContextFault: (bank: ContextBank) => void = () => {};
  onGlobalFault: () => void = () => {};
  readonly #hardware: SmmuV2Hardware;
  readonly #contexts: ContextTranslation;
  readonly #name;

  constructor(hardware: SmmuV2Hardware) {
    const { name, contextBanks, streamMatches, granule, end, aborts, trace, memory } = hardware;
    this.#hardware = hardware;
    this.#name = trace.intern(name);
    this.streams = new StreamMap(streamMatches);
    this.banks = Array.from({ length: contextBanks }, (_, index) => new ContextBank(index));
    this.tlb = new SmmuTlb(granule, end);
    this.#contexts = new ContextTranslation(this.tlb, memory, aborts);
  }

  /** Writes a TLB invalidation register, once for each `granule` of the range. @param context its bank, or `GLOBAL` */
  invalidate(context: number, tlbi: Tlbi, granule = tlbi.size): void {
    const { trace } = this.#hardware;
    const { register, address, size } = tlbi;
    const known = Number.isFinite(size);
    trace.emit(
      tlbInvalidate,
      this.#name,
      trace.intern(register),
      context,
      address,
      known ? size : 0,
      known ? granule : 0,
    );
    this.tlb.write(context, tlbi);
  }

  /** Writes TLBSYNC of a context bank, or sTLBGSYNC, and waits until it is done (M-63). */
  sync(context: number): void {
    const { trace } = this.#hardware;
    trace.emit(tlbSync, this.#name, trace.intern(context === GLOBAL ? "sTLBGSYNC" : "TLBSYNC"), context);
    this.tlb.sync(context);
  }

  /** A transaction of a stream: which SMR it matches, what the S2CR there says, and how it fares in a context bank. */
  translate(stream: number, address: number, access: number): Translation {
    if ((this.scr0 & sCR0.CLIENTPD) !== 0) return untranslated(address);
    const entry = this.streams.find(stream);
    if (entry === -1) {
      if ((this.scr0 & sCR0.USFCFG) === 0) return untranslated(address);
      return this.#globalFault("USF", stream, address, access);
    }
    if (entry === -2) return this.#globalFault("SMCF", stream, address, access);
    const to = this.streams.s2crs[entry] ?? { type: "fault" };
    if (to.type === "fault") return this.#globalFault("ICF", stream, address, access);
    if (to.type === "bypass") return untranslated(address, snoopingOf(to.memory));
    return this.#through(this.banks[to.bank] as ContextBank, stream, address, access);
  }

  /** A fault that stalls is tried again as often as the handler says so and something has changed. */
  #through(bank: ContextBank, stream: number, address: number, access: number): Translation {
    let before: ContextFault | null = null;
    for (;;) {
      const answer = this.#contexts.translate(bank, address, access);
      if (!("kind" in answer)) return answer;
      const text = this.#contextFault(bank, stream, answer);
      const again =
        bank.resumed === "retry" && (answer.kind !== before?.kind || answer.level !== before.level);
      if (!again) return refused(text, address, answer.missing);
      before = answer;
    }
  }

  #contextFault(bank: ContextBank, stream: number, fault: ContextFault): string {
    const { trace } = this.#hardware;
    bank.record({ ...fault, stream });
    const { fsr, fsynr0, far, cbfrsynra, index } = bank;
    trace.emit(contextFault, this.#name, fsr, far, fsynr0, cbfrsynra, index);
    this.onContextFault(bank);
    const what = `${fault.kind} (${faultNames[fault.kind]}) at level ${fault.level} in context bank ${index}`;
    return `${what}: FSR ${hex(fsr)}, FSYNR0 ${hex(fsynr0)}`;
  }

  #globalFault(kind: GlobalFaultKind, stream: number, address: number, access: number): Translation {
    const { trace } = this.#hardware;
    if (this.gfsr === 0) {
      this.gfsr = globalFaultBits[kind];
      this.gfar = address;
      this.gfsynr0 =
        ((access & IommuProt.WRITE) === 0 ? 0 : sGFSYNR0.WNR) |
        ((access & IommuProt.PRIV) === 0 ? 0 : sGFSYNR0.PNU);
      this.gfsynr1 = stream;
    } else this.gfsr = (this.gfsr | sGFSR.MULTI) >>> 0;
    const { gfsr, gfar, gfsynr0, gfsynr1 } = this;
    trace.emit(globalFault, this.#name, gfsr, gfar, gfsynr0, gfsynr1);
    this.onGlobalFault();
    return refused(`${kind} (${faultNames[kind]}) of stream ${hex(stream)}: sGFSR ${hex(gfsr)}`, address);
  }
}

/** Which accesses snoop that go past. */
const snoopingOf = (memory: BypassMemory | null): Snooping => {
  if (memory === null) return "device";
  return memory.type === "normal-wb" && memory.shareability !== "non" ? "always" : "never";
};
