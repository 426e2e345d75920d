// SPDX-License-Identifier: MIT
import type { Invalidation, PageTable } from "@dmabuf/core/iommu";
import type { Stage } from "./address-space.ts";
import type { Descriptor, PageBlock } from "./invalidation-descriptor.ts";
import { blockAround } from "./page-block.ts";

/** Pages that one invalidation can name at most, as a power of two (MAMV of Intel's clients). */
const MAX_MASK = 18;

/** A unit that a domain is attached to, as the domain needs it. */
export interface TaggedUnit {
  readonly snoopControl: boolean;
  readonly cachingMode: boolean;
  readonly pageSelective: boolean;
  /** Queues descriptors and waits for them. */
  submit(descriptors: readonly Descriptor[]): void;
  /** Makes a device's accesses snoop by its PASID entry. */
  enforcePageSnoop(tag: CacheTag): void;
}

/** Where translations of a domain may be kept: a unit, and one of its devices. @see struct cache_tag */
export interface CacheTag {
  readonly unit: TaggedUnit;
  /** The domain's id there. */
  readonly domain: number;
  readonly source: number;
  /** What its requests carry; those without one use the entry of PASID 0. */
  readonly pasid: number | undefined;
  /** Whether the device keeps translations. */
  readonly deviceTlb: boolean;
}

/** Tells all that may keep translations of a domain what to forget: first the IOTLBs, then the devices (M-72). */
export class CacheTags implements Invalidation {
  readonly #table: PageTable;
  readonly #stage: Stage;
  #tags: CacheTag[] = [];

  constructor(table: PageTable, stage: Stage) {
    this.#table = table;
    this.#stage = stage;
  }

  get tags(): readonly CacheTag[] {
    return this.#tags;
  }

  add(tag: CacheTag): void {
    this.#tags.push(tag);
  }

  remove(unit: TaggedUnit, source: number, pasid: number | undefined): void {
    this.#tags = this.#tags.filter(
      (tag) => tag.unit !== unit || tag.source !== source || tag.pasid !== pasid,
    );
  }

  /** @see cache_tag_flush_range */
  range(iova: number, size: number): void {
    // IH: as long as no table is taken out, only leaves have changed.
    this.#flush(blockAround(iova, size), this.#table.unusedTables === 0);
  }

  /** @see cache_tag_flush_all */
  all(): void {
    this.#flush(null, false);
  }

  /** @see cache_tag_flush_range_np */
  mapped(iova: number, size: number): void {
    if (this.#stage === "first-level") return;
    const block = blockAround(iova, size);
    for (const [unit, tags] of this.#byUnit())
      if (unit.cachingMode) unit.submit(this.#forIotlb(unit, tags, block, false));
  }

  #flush(block: PageBlock | null, leafOnly: boolean): void {
    for (const [unit, tags] of this.#byUnit()) {
      const devices = tags.filter(({ deviceTlb }) => deviceTlb).map((tag) => forDevice(tag, block));
      unit.submit([...this.#forIotlb(unit, tags, block, leafOnly), ...devices]);
    }
  }

  /** One descriptor for each id under which the unit keeps translations of the domain. */
  #forIotlb(
    unit: TaggedUnit,
    tags: readonly CacheTag[],
    block: PageBlock | null,
    leafOnly: boolean,
  ): Descriptor[] {
    const fits = block !== null && unit.pageSelective && block.mask <= MAX_MASK;
    const domain = tags[0]?.domain ?? 0;
    if (this.#stage === "second-level") return [ofDomain(domain, fits ? block : null, leafOnly)];
    const pasids = new Set(tags.map(({ pasid = 0 }) => pasid));
    return [...pasids].map((pasid) => ofPasid(domain, pasid, fits ? block : null, leafOnly));
  }

  #byUnit(): Map<TaggedUnit, CacheTag[]> {
    const units = new Map<TaggedUnit, CacheTag[]>();
    for (const tag of this.#tags) units.set(tag.unit, [...(units.get(tag.unit) ?? []), tag]);
    return units;
  }
}

/** Forgets a block of a domain's second-level translations, or all of the domain. */
export const ofDomain = (domain: number, block: PageBlock | null, leafOnly = false): Descriptor =>
  block === null
    ? {
        kind: "iotlb_inv_dsc",
        granularity: "domain",
        domain,
        block: { address: 0, mask: 0 },
        leafOnly: false,
      }
    : { kind: "iotlb_inv_dsc", granularity: "selective", domain, block, leafOnly };

/** Forgets a block of a PASID's first-level translations, or all of them. */
export const ofPasid = (
  domain: number,
  pasid: number,
  block: PageBlock | null,
  leafOnly = false,
): Descriptor => ({ kind: "p_iotlb_inv_dsc", domain, pasid, block, leafOnly });

/** Has a device forget a block, or everything. */
export const forDevice = (
  { source, pasid }: Pick<CacheTag, "source" | "pasid">,
  block: PageBlock | null,
): Descriptor =>
  pasid === undefined
    ? { kind: "dev_tlb_inv_dsc", source, block }
    : { kind: "p_dev_tlb_inv_dsc", source, pasid, block };
