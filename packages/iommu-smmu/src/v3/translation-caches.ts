// SPDX-License-Identifier: MIT
import { Tlb } from "@dmabuf/core/iommu";
import { type InvalidationScope, includesTag, type Tags } from "./invalidation-scope.ts";
import { levelOf } from "./leaf-descriptor.ts";
import { WalkCache } from "./walk-cache.ts";

/** The smallest granule: what TLB entries are counted in. */
const GRANULE = 4096;
/** Addresses of either stage are below this. */
const END = 2 ** 52;

/** A TLB, and the walk cache that fills it. */
export class TranslationCache {
  readonly tlb = new Tlb(GRANULE, END);
  readonly walks = new WalkCache();
  readonly #tags = new Set<number>();

  /** Keeps a page or block. */
  fill(tag: number, input: number, output: number, size: number, attributes: number): void {
    this.#tags.add(tag);
    this.tlb.fill(tag, input, output, size, attributes);
  }

  /** Drops what a scope names, of the tags that `which` does. */
  invalidate(which: Tags, { start, end, leaf, level }: InvalidationScope): void {
    if (!leaf) this.walks.invalidate(which, start, end);
    for (const tag of this.#tags) {
      if (!includesTag(which, tag)) continue;
      if (end === Number.POSITIVE_INFINITY) this.tlb.invalidateTag(tag);
      else if (level === null) this.tlb.invalidate(tag, start, end - start);
      else this.#invalidateLevel(tag, start, end, level);
    }
  }

  /** With TTL, entries of other levels may stay, and so they do. */
  #invalidateLevel(tag: number, start: number, end: number, level: number): void {
    const { tlb } = this;
    for (let at = start; at < end; ) {
      const found = tlb.find(tag, at);
      const next = found ? tlb.end : at + GRANULE;
      if (found && levelOf(tlb.attributes) === level) tlb.invalidate(tag, at, 1);
      at = next;
    }
  }
}

/** Everything that an SMMU remembers of page tables. */
export class TranslationCaches {
  /** Stage 1, or both stages in one, by `tagOf`. */
  readonly first = new TranslationCache();
  /** Beside `first`, where both stages are in one: the intermediate address. */
  readonly intermediate = new TranslationCache();
  /** Stage 2 by VMID: intermediate addresses, those of tables as well. */
  readonly second = new TranslationCache();

  /** Drops what a TLBI names. */
  apply(scope: InvalidationScope): void {
    const { first, second } = scope;
    if (first !== null) {
      this.first.invalidate(first, scope);
      this.intermediate.invalidate(first, scope);
    }
    if (second !== null) this.second.invalidate(second, scope);
  }
}
