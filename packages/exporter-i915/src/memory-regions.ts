// SPDX-License-Identifier: MIT
import { type CoreServices, KernelError } from "@dmabuf/core";
import type { Backing } from "./backing.ts";
import { CarveOut } from "./carve-out.ts";
import type { I915Options } from "./i915-options.ts";
import { ShmemBacking } from "./shmem-backing.ts";

/** Where the driver can make memory. */
export type OwnRegion = "system" | "stolen" | "local";

/** The memory that the driver makes objects of. @see struct intel_memory_region */
export class MemoryRegions {
  readonly #services: CoreServices;
  readonly #stolen: CarveOut | null;
  readonly #local: CarveOut | null;

  /** Throws `TypeError` for a carve-out that the board does not have. */
  constructor(services: CoreServices, { stolen, localMemory }: I915Options) {
    const { memory } = services;
    this.#services = services;
    this.#stolen = stolen === undefined ? null : new CarveOut("stolen", memory, stolen);
    this.#local = localMemory === undefined ? null : new CarveOut("local", memory, localMemory);
  }

  /** Whether the card has memory of its own. */
  get hasLocal(): boolean {
    return this.#local !== null;
  }

  /** Where an object is made that nobody chose a place for. */
  get first(): OwnRegion {
    return this.hasLocal ? "local" : "system";
  }

  /**
   * Memory for an object; the system's is there at the first use, local memory is cleared at once. Throws `KernelError` ENODEV
   * for a region that the machine does not have, ENOMEM for a carve-out that is used up.
   */
  allocate(region: OwnRegion, size: number): Backing {
    if (region === "system") return new ShmemBacking(this.#services, size);
    const carveOut = region === "stolen" ? this.#stolen : this.#local;
    if (carveOut === null) {
      throw new KernelError("ENODEV", "i915_gem_create_ext", `the machine has no ${region} memory`);
    }
    const backing = carveOut.allocate(size);
    if (region === "local") this.#clear(backing);
    return backing;
  }

  /** Clears memory through the card's window; in Linux the GPU does it. */
  #clear({ extents }: Backing): void {
    const { cpu, dmaBuf } = this.#services;
    const address = dmaBuf.nextMapping(extents.bytes);
    cpu.access("clear", extents, { memoryType: "write-combining", route: null, address });
    cpu.drain();
  }
}
