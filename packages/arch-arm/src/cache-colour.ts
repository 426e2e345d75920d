// SPDX-License-Identifier: MIT
import {
  type CacheMaintenance,
  type CpuAddr,
  type Extents,
  PAGE_SIZE,
  type PhysAddr,
  type VirtualCache,
} from "@dmabuf/core";

/** By what a cache tells lines apart that its index puts in one place. */
export type CacheTags = "virtual" | "physical";

/**
 * A cache whose index has bits of the virtual page number in it. A page is there in one of `colours` places for each
 * address that it is mapped at, and only addresses of one colour meet. Colours are counted from the linear map's, which is
 * 0 wherever a page is. With virtual tags not even that is enough: any address but the linear one is a line of its own.
 */
export class ColouredCache implements VirtualCache {
  /** Domains beside the linear map's, by colour. */
  readonly aliases: readonly string[];
  readonly #colours: number;
  readonly #domains: readonly string[];

  /** @param linear the domain of the linear map */
  constructor(linear: string, colours: number, tags: CacheTags) {
    const alias = (colour: number): string => `${linear}-alias-${colour}`;
    this.#colours = colours;
    this.#domains = Array.from({ length: colours }, (_, colour) =>
      colour === 0 && tags === "physical" ? linear : alias(colour),
    );
    this.aliases = this.#domains.filter((domain) => domain !== linear);
  }

  domainAt(virtual: CpuAddr, physical: PhysAddr): string {
    const pages = (virtual - physical) / PAGE_SIZE;
    const colour = ((pages % this.#colours) + this.#colours) % this.#colours;
    return this.#domains[colour] as string;
  }

  flushVmapRange(domain: string, extents: Extents): readonly CacheMaintenance[] {
    return [{ kind: "flush", domain, extents }];
  }

  /** Writes back as well, which arm does for both calls. @see arch/arm/include/asm/cacheflush.h */
  invalidateVmapRange(domain: string, extents: Extents): readonly CacheMaintenance[] {
    return [{ kind: "flush", domain, extents }];
  }
}
