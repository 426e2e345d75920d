// SPDX-License-Identifier: MIT
import {
  Descriptor,
  type DeviceTranslation,
  IommuProt,
  type PageTable,
  refused,
  type TableMemory,
  type Translation,
  untranslated,
} from "@dmabuf/core/iommu";
import { DescriptorLines } from "../descriptor-lines.ts";

const { READ, WRITE } = IommuProt;
/** Addresses have 32 bits. */
const SPACE = 2 ** 32;
const hex = (value: number): string => `0x${value.toString(16)}`;

/**
 * The hardware of Mali-400's MMU, which Rockchip's IOMMU is made from: two levels of 32-bit descriptors, one set of
 * tables at a time, and a cache of lines of page-table entries. `DTE_ADDR`, `ZAP_ONE_LINE` and the commands are its
 * registers.
 */
export class LineMmu implements DeviceTranslation {
  /** `DTE_ADDR`: the tables that are walked; null while paging is off, which lets everything through. */
  dte: PageTable | null = null;
  /** The tables that software believes are walked. */
  wanted: PageTable | null = null;
  readonly #lines: DescriptorLines;
  /** For whose tables the whole cache was dropped last. */
  #zappedFor: PageTable | null = null;

  constructor(memory: TableMemory) {
    this.#lines = new DescriptorLines(memory);
  }

  /** `ZAP_ONE_LINE`: drops the line of an address. */
  zapOneLine(address: number): void {
    this.#lines.zap(address, 4096);
  }

  /** The command `ZAP_CACHE`. */
  zapCache(): void {
    this.#lines.zapAll();
    this.#zappedFor = this.wanted;
  }

  translate(address: number, access: number): Translation {
    const { dte, wanted } = this;
    if (dte === null) return untranslated(address);
    if (address >= SPACE) return refused("beyond the aperture of 4 GiB", address);
    const { format } = dte;
    if (this.#lines.peek(4096, address) === null) {
      const strays = astray(dte, address);
      if (strays !== null) return refused(`BUS_ERROR (INT_STATUS 0x2): ${strays}`, address);
    }
    const pte = this.#lines.read(dte, address);
    const now = wanted?.descriptor(address, 2)?.[0] ?? 0;
    const valid = format.kindOf(pte, 0, 2) === Descriptor.LEAF;
    const validNow = format.kindOf(now, 0, 2) === Descriptor.LEAF;
    const differs = valid !== validNow || (valid && pte !== now);
    const missing = differs ? this.#missing(address) : null;
    const status = (access & WRITE) === 0 ? "" : ", STATUS.PAGE_FAULT_IS_WRITE";
    if (!valid) {
      const level = dte.tableAt(address, 1) < 0 ? "DTE" : "PTE";
      return refused(`PAGE_FAULT (INT_STATUS 0x1${status}): ${level} not valid`, address, missing);
    }
    if ((access & ~format.protOf(pte, 0, 2) & (READ | WRITE)) !== 0) {
      const what = (access & WRITE) === 0 ? "READABLE" : "WRITABLE";
      return refused(`PAGE_FAULT (INT_STATUS 0x1${status}): PTE not ${what}`, address, missing);
    }
    const offset = address % 4096;
    return {
      fault: null,
      address: format.addressOf(pte, 0, 2) + offset,
      end: address - offset + 4096,
      snooping: "device",
      missing,
    };
  }

  #missing(address: number): string {
    if (this.dte !== this.wanted) return "DTE_ADDR of this process";
    if (this.#zappedFor !== this.wanted) return "ZAP_CACHE";
    return `ZAP_ONE_LINE of ${hex(address - (address % 4096))}`;
  }
}

/**
 * Where a walk goes astray, because a table lies past what its register or descriptor of 32 bits holds; null where it
 * does not. DTE_ADDR is laid out as a DTE.
 */
function astray(table: PageTable, address: number): string | null {
  for (const [depth, holder] of ["DTE_ADDR", "the DTE"].entries()) {
    const at = table.addressAt(address, depth);
    if (at === null) return null;
    const word = new Uint32Array(1);
    table.format.writeTable(word, 0, 1, at);
    const held = table.format.addressOf(word[0] as number, 0, 1);
    if (held !== at)
      return `${holder} leads to ${hex(held)}, the table lies at ${hex(at)}; GFP_DMA32 is missing`;
  }
  return null;
}
