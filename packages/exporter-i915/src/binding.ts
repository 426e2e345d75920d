// SPDX-License-Identifier: MIT
import type { Route } from "@dmabuf/core/coherency";
import type { AddressSpace } from "./address-space.ts";
import type { CacheLevel } from "./cache-level.ts";
import type { I915Object } from "./i915-object.ts";

/** An entry of a page table: where the page is for the GPU, an address of its IOMMU's where there is one, and how the GPU caches it. @see gen8_pte_encode */
export interface PageTableEntry {
  readonly address: number;
  readonly level: CacheLevel;
}

/** An object in an address space of the GPU. @see struct i915_vma */
export interface Binding {
  readonly object: I915Object;
  readonly space: AddressSpace;
  /** First address. */
  readonly offset: number;
  /** What its entries say. */
  readonly level: CacheLevel;
  /** How accesses by its entries reach memory. */
  readonly route: Route;
  /** Who relies on it: the display, until it scans something else. */
  pins: number;
}

/** Where an object may be put. */
export interface BindOptions {
  /** Only where the aperture reaches; default no. */
  readonly mappable?: boolean;
}
