// SPDX-License-Identifier: MIT
import { IommuProt, type PageTable, refused, type Translation, untranslated } from "@dmabuf/core/iommu";
import type { AddressSpace, Met } from "./address-space.ts";
import { DeviceTlb } from "./device-tlb.ts";
import { drop } from "./dropped-entries.ts";
import { EntryFetch, type EntryFetchOptions } from "./entry-fetch.ts";
import { EntryWalk } from "./entry-walk.ts";
import { byMode, type FaultCode, faultText } from "./fault-reason.ts";
import type { FaultRecord } from "./fault-recording.ts";
import type { Descriptor, PageBlock } from "./invalidation-descriptor.ts";
import { InvalidationQueue } from "./invalidation-queue.ts";
import { leftOut } from "./left-out.ts";
import { type Found, type Page, PageWalk, type PageWalkOptions } from "./page-walk.ts";
import type { AddressWidth } from "./paging-levels.ts";

const { READ, WRITE, CACHE, PRIV } = IommuProt;
const PAGE = 2 ** 12;
/** Addresses of the model are below this, also where five levels translate more. */
const PAST = 2 ** 52;

/** Writes to these addresses are interrupts, not memory (VT-d 3.14). */
export const INTERRUPT_RANGE = { start: 0xfee0_0000, end: 0xfef0_0000 } as const;

/** What hardware is made of, and whom it tells. */
export type RemappingOptions = Omit<EntryFetchOptions & PageWalkOptions, "missing"> & {
  /** The widest address that it translates. */
  readonly width: AddressWidth;
  /** A fault to record. */
  readonly fault: (record: FaultRecord) => void;
};

/** What a device asks for. */
interface Request {
  readonly source: number;
  readonly address: number;
  /** Flags of `IommuProt`. */
  readonly access: number;
  /** What it carries, if anything. */
  readonly pasid: number | undefined;
}

/** A remapping unit: what it reads in memory, what it keeps of that, and what becomes of a request (VT-d chapter 3). */
export class RemappingHardware {
  readonly queue: InvalidationQueue;
  readonly #entries: EntryWalk;
  readonly #pages: PageWalk;
  readonly #scalable: boolean;
  readonly #report: (record: FaultRecord) => void;
  readonly #deviceTlbs = new Map<number, DeviceTlb>();

  constructor(options: RemappingOptions) {
    this.#scalable = options.mode === "scalable";
    this.#report = options.fault;
    const missing = (descriptor: Descriptor): string => leftOut([descriptor], this.queue.pending);
    const entries = new EntryFetch({ ...options, missing });
    this.#entries = new EntryWalk(entries, options.mode, options.width);
    this.#pages = new PageWalk({ ...options, missing });
    this.queue = new InvalidationQueue(this.#scalable, (descriptor) =>
      drop(descriptor, {
        contexts: entries.contexts,
        pasids: entries.pasids,
        iotlb: this.#pages.iotlb,
        deviceTlbs: this.#deviceTlbs,
      }),
    );
  }

  /** Page tables that entries can point to. */
  know(pageTable: PageTable): void {
    this.#pages.know(pageTable);
  }

  /** Page tables whose memory is somebody else's now. */
  forget(pageTable: PageTable): void {
    this.#pages.forget(pageTable);
  }

  /** What becomes of a device's access. */
  translate(source: number, address: number, access: number, pasid?: number): Translation {
    const { start, end } = INTERRUPT_RANGE;
    if (pasid === undefined && address >= start && address < end) return { ...untranslated(address), end };
    const request = { source, address, access, pasid };
    const met = this.#entries.meet(source, pasid);
    const { space, missing } = met;
    if (space === null) return this.#refuse(request, met, met.fault as FaultCode, null, missing);
    const kept = space.deviceTlb ? this.#keptByDevice(space, request) : null;
    if (kept !== null) return { ...kept, missing: missing ?? kept.missing };
    if (space.stage === null) {
      const upTo = address < start && pasid === undefined ? start : Number.POSITIVE_INFINITY;
      return { ...untranslated(address, space.pageSnoop ? "always" : "device"), end: upTo, missing };
    }
    const wide = this.#tooWide(space, address);
    if (wide !== null) return this.#refuse(request, met, wide, null, missing);
    return this.#translated(space, request, met);
  }

  #translated(space: AddressSpace, request: Request, met: Met): Translation {
    const { source, address, pasid } = request;
    const found = this.#pages.find(space, address);
    const missing = met.missing ?? found.missing;
    const { page } = found;
    const fault = page === null ? this.#problem(space, request, found) : this.#denied(space, request, page);
    if (page === null || fault !== null)
      return this.#refuse(request, met, fault as FaultCode, found.level, missing);
    if (space.deviceTlb) this.#deviceTlb(source).keep(pasid, address, page.to, PAGE, page.prot);
    return answer(page, missing);
  }

  /** A translation that the device has asked for before: it uses the physical address, and nobody looks again. */
  #keptByDevice(space: AddressSpace, { source, address, access, pasid }: Request): Translation | null {
    const page = this.#deviceTlb(source).find(pasid, address);
    if (page === null || (access & ~page.prot & (READ | WRITE)) !== 0) return null;
    if (!this.#pages.isStale(space, address, page)) return answer(page, null);
    const block: PageBlock = { address: address - (address % PAGE), mask: 0 };
    const own: Descriptor =
      pasid === undefined
        ? { kind: "dev_tlb_inv_dsc", source, block }
        : { kind: "p_dev_tlb_inv_dsc", source, pasid, block };
    // Before the device forgets, the IOTLB has to: else the device asks and is told the same again.
    const first = this.#pages.staleInIotlb(space, address);
    return answer(page, leftOut([...first, own], this.queue.pending));
  }

  #deviceTlb(source: number): DeviceTlb {
    let tlb = this.#deviceTlbs.get(source);
    if (tlb === undefined) {
      tlb = new DeviceTlb();
      this.#deviceTlbs.set(source, tlb);
    }
    return tlb;
  }

  /** An address that the tables cannot have: beyond the width (VT-d 3.7), or not canonical in first-level tables (3.6). */
  #tooWide({ stage, width }: AddressSpace, address: number): FaultCode | null {
    if (stage === "first-level") return address >= Math.min(2 ** (width - 1), PAST) ? 0x80 : null;
    if (address < Math.min(2 ** width, PAST)) return null;
    return byMode(this.#scalable, 0x04, 0x83);
  }

  #problem({ stage }: AddressSpace, { access }: Request, { problem }: Found): FaultCode {
    const first = stage === "first-level";
    if (problem === "no table") return first ? 0x73 : byMode(this.#scalable, 0x07, 0x7b);
    if (problem === "reserved") return first ? 0x72 : byMode(this.#scalable, 0x0c, 0x7a);
    if (first) return 0x71;
    // An entry with neither R nor W is what is not present: in legacy mode there is no other code for it.
    return byMode(this.#scalable, (access & WRITE) === 0 ? 0x06 : 0x05, 0x79);
  }

  #denied({ stage }: AddressSpace, { access }: Request, { to, prot }: Page): FaultCode | null {
    if (to >= INTERRUPT_RANGE.start && to < INTERRUPT_RANGE.end) return byMode(this.#scalable, 0x0e, 0x87);
    if (stage === "first-level" && (prot & ~access & PRIV) !== 0) return 0x81;
    if ((access & ~prot & WRITE) !== 0) return byMode(this.#scalable, 0x05, 0x85);
    return (access & ~prot & READ) === 0 ? null : byMode(this.#scalable, 0x06, 0x86);
  }

  #refuse(
    { source, address, access, pasid }: Request,
    { recorded }: Met,
    reason: FaultCode,
    level: number | null,
    missing: string | null,
  ): Translation {
    const page = address - (address % PAGE);
    const read = (access & WRITE) === 0;
    if (recorded) this.#report({ source, page, read, reason, pasid: pasid ?? null });
    return refused(faultText(reason, level), address, missing);
  }
}

const answer = ({ to, end, prot }: Page, missing: string | null): Translation => ({
  fault: null,
  address: to,
  end,
  snooping: (prot & CACHE) === 0 ? "device" : "always",
  missing,
});
