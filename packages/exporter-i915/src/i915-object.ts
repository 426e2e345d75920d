// SPDX-License-Identifier: MIT
import type { Attachment, DmaBuf, Process } from "@dmabuf/core";
import type { GemObject } from "@dmabuf/core/drm";
import { DmaResv } from "@dmabuf/core/sync";
import type { Backing } from "./backing.ts";
import type { Binding } from "./binding.ts";
import { type CacheCoherency, type CacheLevel, coherencyOf } from "./cache-level.ts";
import type { GemDomain } from "./gem-domain.ts";
import type { I915Driver } from "./i915-driver.ts";
import { objectCreate, objectDestroy } from "./i915-trace.ts";
import { ImportedBacking } from "./imported-backing.ts";
import { ObjectPages } from "./object-pages.ts";

/** What an object is made of. */
export interface ObjectInit {
  readonly size: number;
  readonly backing: Backing;
  readonly level: CacheLevel;
  /** The reservation of an imported buffer; default one of its own. */
  readonly resv?: DmaResv;
  /** Whether user space chose the page attributes itself, so that the driver no longer knows them; default no. */
  readonly patSetByUser?: boolean;
  /** Where it may be moved to, its first place included; default only where it is. */
  readonly placements?: readonly Backing["region"][];
}

/** A GEM object: memory, how the GPU caches it, and who may have parts of it in which cache. @see struct drm_i915_gem_object */
export class I915Object implements GemObject {
  readonly driver: I915Driver;
  /** Its number in events and messages. */
  readonly id: number;
  readonly size: number;
  readonly resv: DmaResv;
  readonly patSetByUser: boolean;
  readonly placements: readonly Backing["region"][];
  /** Its pages, as far as the driver holds them. */
  readonly pages: ObjectPages;
  /** Where the GPU has it. */
  readonly bindings = new Set<Binding>();
  /** Domains in which the object may be read without more ado (N-3). */
  readonly readDomains = new Set<GemDomain>();
  /** The domain that has written it and was not flushed since, or null. */
  writeDomain: GemDomain | null = null;
  /** Whether the CPU's caches may have what memory lacks (N-2). */
  cacheDirty = false;
  /** Framebuffers made of it: the display may scan it any time. */
  framebuffers = 0;
  /** Jobs of the GPU, and scan-outs, that are under way. */
  active = 0;
  /** The living dma-buf that it was exported as, without a reference; `dmaBuf` is PRIME's. */
  exported: DmaBuf | null = null;
  dmaBuf: DmaBuf | null = null;
  handleCount = 0;
  #backing: Backing;
  #level: CacheLevel;
  #coherency: CacheCoherency;
  #references = 1;
  readonly #ownsResv: boolean;

  /** For `I915Driver`: with one reference, the caller's, in the CPU domain as fresh pages are. */
  constructor(driver: I915Driver, id: number, init: ObjectInit) {
    const { size, backing, level, resv, patSetByUser = false, placements = [backing.region] } = init;
    const { dmaBuf, simulation } = driver.services;
    this.driver = driver;
    this.id = id;
    this.size = size;
    this.#ownsResv = resv === undefined;
    this.resv = resv ?? new DmaResv(dmaBuf.resvs, `i915 object ${id}`);
    this.patSetByUser = patSetByUser;
    this.placements = placements;
    this.#backing = backing;
    this.#level = level;
    this.#coherency = coherencyOf(level, driver.machine.llc);
    this.pages = new ObjectPages(this);
    if (backing.region === "imported") {
      // GTT stands for coherent: neither in the GPU's caches nor, as far as the driver knows, in the CPU's (N-13).
      this.#coherency = { read: false, write: false };
      this.readDomains.add("gtt");
    } else {
      this.cacheDirty = this.#dirtiedByCpu;
      this.readDomains.add("cpu");
      this.writeDomain = "cpu";
    }
    simulation.trace.emit(objectCreate, id, size);
  }

  /** How it came here, or null for the driver's own. */
  get imported(): Attachment | null {
    return this.#backing instanceof ImportedBacking ? this.#backing.attachment : null;
  }

  /** Where its memory is. */
  get backing(): Backing {
    return this.#backing;
  }

  /** How the GPU caches it. */
  get level(): CacheLevel {
    return this.#level;
  }

  /** Whether flushes can be left out (N-1). */
  get coherency(): CacheCoherency {
    return this.#coherency;
  }

  /** Whether what the CPU writes must be flushed some time (N-2): also what the display scans. @see i915_gem_cpu_write_needs_clflush */
  get cpuWriteNeedsFlush(): boolean {
    return this.#dirtiedByCpu || (this.framebuffers > 0 && !this.driver.machine.discrete);
  }

  /** Whether what the GPU writes may stay in a cache (N-4). @see gpu_write_needs_clflush */
  get gpuWriteNeedsFlush(): boolean {
    if (this.driver.machine.discrete || this.patSetByUser) return false;
    return this.#level !== "none" && this.#level !== "wt";
  }

  get #dirtiedByCpu(): boolean {
    return !this.#coherency.write && !this.driver.machine.discrete;
  }

  /** Gives it a level and takes for dirty what it had under the old one; for `setCacheLevel`. */
  changeLevel(level: CacheLevel): void {
    this.#level = level;
    this.#coherency = coherencyOf(level, this.driver.machine.llc);
    this.cacheDirty = !this.driver.machine.discrete;
  }

  /** Puts other memory behind it; for `migrate`. */
  changeBacking(backing: Backing): void {
    this.#backing = backing;
  }

  /** Notes that the CPU writes it through its cache (N-3). @see __start_cpu_write */
  startCpuWrite(): void {
    this.readDomains.clear();
    this.readDomains.add("cpu");
    this.writeDomain = "cpu";
    if (this.cpuWriteNeedsFlush) this.cacheDirty = true;
  }

  get(): this {
    this.#references++;
    return this;
  }

  /** Gives a reference back; the last one of an imported object unmaps and detaches it. */
  put(): Process {
    return this.driver.services.simulation.process("drm_gem_object_put", this.#put());
  }

  *#put(): Process {
    if (--this.#references > 0) return;
    const backing = this.#backing;
    if (!(backing instanceof ImportedBacking)) return this.#free();
    const { buffer } = backing.attachment;
    this.driver.imports.forget(buffer, this);
    yield* this.resv.lock();
    try {
      this.#unbind();
      yield* backing.unmap();
    } finally {
      this.resv.unlock();
    }
    yield* backing.attachment.detach();
    this.#free();
    buffer.put();
  }

  /** As `put`, where nobody may sleep: what has to sleep is left to a worker. */
  putLater(): void {
    if (this.#references === 1 && this.#backing.region === "imported")
      this.driver.worker.queue(() => this.put());
    else if (--this.#references === 0) this.#free();
  }

  #unbind(): void {
    for (const binding of this.bindings) binding.space.unbind(binding);
  }

  #free(): void {
    this.driver.services.simulation.trace.emit(objectDestroy, this.id);
    this.#unbind();
    this.pages.unmap();
    this.#backing.free();
    if (this.#ownsResv) this.resv.fini();
  }
}
