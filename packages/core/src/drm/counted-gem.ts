// SPDX-License-Identifier: MIT
import type { Attachment } from "../buffer/attachment.ts";
import type { DmaBuf } from "../buffer/dma-buf.ts";
import type { Process } from "../sim/process.ts";
import type { Simulation } from "../sim/simulation.ts";
import type { GemObject } from "./gem-object.ts";

/** A GEM object that counts its references; a driver says what it is made of. @see struct drm_gem_object */
export abstract class CountedGem implements GemObject {
  readonly size: number;
  dmaBuf: DmaBuf | null = null;
  handleCount = 0;
  readonly #simulation: Simulation;
  #references = 1;

  /** With one reference, the caller's. @param size bytes */
  constructor(simulation: Simulation, size: number) {
    this.#simulation = simulation;
    this.size = size;
  }

  abstract readonly imported: Attachment | null;

  /** Gives the memory back: the last reference is gone. @see drm_gem_object_funcs.free */
  protected abstract free(): Process;

  /** References: those of whoever works with it, one of all handles, one of the dma-buf it was exported as. */
  get references(): number {
    return this.#references;
  }

  get(): this {
    this.#references++;
    return this;
  }

  /** BUGs for a reference that nobody has. @see drm_gem_object_put */
  put(): Process {
    return this.#simulation.process("drm_gem_object_put", this.#put());
  }

  *#put(): Process {
    if (this.drop()) yield* this.free();
  }

  /** Takes a reference off, and says whether it was the last: then the caller frees. */
  protected drop(): boolean {
    if (this.#references === 0)
      this.#simulation.diagnostics.bug("G-8", "drm_gem_object_put", "the last reference is gone already");
    return --this.#references === 0;
  }
}
