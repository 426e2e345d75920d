// SPDX-License-Identifier: MIT
import { IommuProt, type Snooping, Tlb } from "@dmabuf/core/iommu";
import type { Command } from "./command.ts";

const { READ, WRITE } = IommuProt;
/** CMD_ATC_INV.Size that means everything (M-49). @see ATC_INV_SIZE_ALL */
export const ATC_INV_ALL = 52;
const PAGE = 4096;
const snoopings: readonly Snooping[] = ["device", "always", "never"];

/** A translation as the SMMU hands it to a device. */
export interface AtsTranslation {
  readonly address: number;
  /** Flags of `IommuProt`: what the device may do there. */
  readonly access: number;
  readonly snooping: Snooping;
}

/** A translation that a device has, and the first address for which it does not hold any more. */
export interface CachedTranslation extends AtsTranslation {
  readonly end: number;
}

/**
 * The address translation cache of a device: it asks the SMMU once, and keeps the answer until a CMD_ATC_INV reaches it,
 * whatever else is invalidated (M-49). @see Arm IHI 0070, 3.9
 */
export class Atc {
  /** Whether the device asks for translations, PCI's ATS enable. */
  enabled = false;
  /** Whether it answers invalidations; one that does not makes CMD_SYNC end in CERROR_ATC_INV_SYNC. */
  responds = true;
  /** The answer to a page request (M-55): one of `PriResponse`. */
  onPageResponse: ((group: number, response: number) => void) | null = null;
  readonly #tlb = new Tlb(PAGE, 2 ** 52);

  /** The translation that it has of an address, or null. */
  find(address: number, substream: number | undefined): CachedTranslation | null {
    const tlb = this.#tlb;
    if (!tlb.find(tagOf(substream), address)) return null;
    const access = tlb.attributes & (READ | WRITE);
    const snooping = snoopings[tlb.attributes >> 2] as Snooping;
    return { address: tlb.address, access, snooping, end: tlb.end };
  }

  /** Keeps what the SMMU has answered, for one page of 4 KiB. */
  keep(address: number, substream: number | undefined, translation: AtsTranslation): void {
    const { address: to, access, snooping } = translation;
    const attributes = (access & (READ | WRITE)) | (snoopings.indexOf(snooping) << 2);
    this.#tlb.fill(tagOf(substream), address, to, PAGE, attributes);
  }

  /** Drops what a CMD_ATC_INV names. */
  invalidate(command: Command): void {
    const { SSV = 0, SubstreamID = 0, Global = 0 } = command;
    const [start, end] = atcRange(command);
    if (SSV === 1 && Global === 1) this.#tlb.invalidateEverywhere(start, end - start);
    else this.#tlb.invalidate(tagOf(SSV === 1 ? SubstreamID : undefined), start, end - start);
  }
}

const tagOf = (substream: number | undefined): number => (substream === undefined ? 0 : substream + 1);

/** Which addresses a CMD_ATC_INV names: 4096 << Size, aligned. @see Arm IHI 0070, 4.5 */
export function atcRange({ Address = 0, Size = 0 }: Command): [start: number, end: number] {
  if (Size >= ATC_INV_ALL) return [0, 2 ** 52];
  const span = PAGE * 2 ** Size;
  const start = Address - (Address % span);
  return [start, start + span];
}

/** The smallest CMD_ATC_INV that holds a range: where it begins, and its Size. @see arm_smmu_atc_inv_to_cmd */
export function atcSpan(address: number, size: number): { readonly Address: number; readonly Size: number } {
  let log2 = 0;
  const last = address + size - 1;
  while (Math.floor(address / (PAGE * 2 ** log2)) !== Math.floor(last / (PAGE * 2 ** log2))) log2++;
  const span = PAGE * 2 ** log2;
  return { Address: address - (address % span), Size: log2 };
}
