// SPDX-License-Identifier: MIT
import { type CoreServices, KernelError } from "@dmabuf/core";
import type { Simulation } from "@dmabuf/core/sim";
import { boardHeaps } from "./board-heaps.ts";
import { DmaHeap, type HeapAllocate } from "./dma-heap.ts";

/** A system's `/dev/dma_heap`: its heaps by name. Those of the board are there from the start. */
export class HeapDirectory {
  static readonly #systems = new WeakMap<Simulation, HeapDirectory>();
  readonly #simulation: Simulation;
  readonly #heaps = new Map<string, DmaHeap>();

  private constructor(services: CoreServices) {
    this.#simulation = services.simulation;
    for (const [name, driver] of boardHeaps(services.board)) this.add(name, driver(services));
  }

  /** That of a running system, for whoever opens a heap or adds one. */
  static of(services: CoreServices): HeapDirectory {
    let directory = HeapDirectory.#systems.get(services.simulation);
    if (directory === undefined) {
      directory = new HeapDirectory(services);
      HeapDirectory.#systems.set(services.simulation, directory);
    }
    return directory;
  }

  /**
   * Registers a heap. Throws `KernelError` EINVAL for an empty name, one that is taken, and a driver that cannot allocate
   * (H-1). @see dma_heap_add
   */
  add(name: string, allocate: HeapAllocate): DmaHeap {
    const refuse = (reason: string): never => {
      throw new KernelError("EINVAL", "dma_heap_add", reason);
    };
    if (name === "") refuse("a heap needs a name");
    if (typeof allocate !== "function") refuse(`heap ${name} cannot allocate`);
    if (this.#heaps.has(name)) refuse(`there is a heap ${name} already`);
    const heap = new DmaHeap(this.#simulation, name, allocate);
    this.#heaps.set(name, heap);
    return heap;
  }

  /** Opens a heap's device. Throws `KernelError` ENOENT for a name that nobody registered. */
  open(name: string): DmaHeap {
    const heap = this.#heaps.get(name);
    if (heap !== undefined) return heap;
    throw new KernelError("ENOENT", "open", `/dev/dma_heap/${name} does not exist`);
  }
}
