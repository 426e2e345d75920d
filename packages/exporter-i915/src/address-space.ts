// SPDX-License-Identifier: MIT
import { KernelError, type Process } from "@dmabuf/core";
import type { Simulation } from "@dmabuf/core/sim";
import type { Binding, BindOptions, PageTableEntry } from "./binding.ts";
import { FreeRanges } from "./free-ranges.ts";
import type { I915Object } from "./i915-object.ts";
import { vmaBind, vmaUnbind } from "./i915-trace.ts";

/**
 * An address space of the GPU with its page tables: the global one (GGTT), from which the display scans and of which the
 * aperture shows the beginning to the CPU, or a process's own (PPGTT). @see struct i915_address_space
 */
export class AddressSpace {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Bytes from the beginning that the aperture shows. */
  readonly mappable: number;
  readonly #simulation: Simulation;
  readonly #free: FreeRanges;
  /** The oldest first, for eviction. */
  readonly #bindings = new Map<I915Object, Binding>();

  /** Empty. */
  constructor(simulation: Simulation, name: string, size: number, mappable = 0) {
    this.#simulation = simulation;
    this.name = name;
    this.size = size;
    this.mappable = Math.min(mappable, size);
    this.#free = new FreeRanges(size);
  }

  /** The binding of an object, or undefined. */
  find(object: I915Object): Binding | undefined {
    return this.#bindings.get(object);
  }

  /** The page-table entry at an address, or null where nothing is bound. */
  entryAt(address: number): PageTableEntry | null {
    for (const { object, offset, level } of this.#bindings.values()) {
      if (address < offset || address >= offset + object.size) continue;
      return { address: addressOf(object, address - offset), level };
    }
    return null;
  }

  /** Whether the aperture shows all of a binding. */
  isMappable({ offset, object }: Binding): boolean {
    return offset + object.size <= this.mappable;
  }

  /**
   * Binds an object with its level; the reservation must be held. What lies elsewhere than it must is moved. Throws
   * `KernelError` ENOSPC when there is no room, even with idle objects thrown out, and what acquiring the pages answers.
   * @see i915_vma_pin
   */
  *bind(object: I915Object, options: BindOptions = {}): Process<Binding> {
    const found = this.#usable(object, options);
    if (found !== null) return found;
    yield* object.pages.pin();
    return this.#insert(object, options);
  }

  /** As `bind`, where nobody may sleep: not for an imported buffer. */
  bindNow(object: I915Object, options: BindOptions): Binding {
    const found = this.#usable(object, options);
    if (found !== null) return found;
    object.pages.pinNow();
    return this.#insert(object, options);
  }

  /** Takes an object out, which nobody may use there any more. @see i915_vma_unbind */
  unbind(binding: Binding): void {
    const { object, offset } = binding;
    if (this.#bindings.get(object) !== binding) return;
    this.#bindings.delete(object);
    object.bindings.delete(binding);
    this.#free.give(offset, object.size);
    object.pages.unpin();
    const { trace } = this.#simulation;
    trace.emit(vmaUnbind, object.id, trace.intern(this.name), offset, object.size);
  }

  #usable(object: I915Object, { mappable = false }: BindOptions): Binding | null {
    const found = this.#bindings.get(object);
    if (found === undefined) return null;
    if (!mappable || this.isMappable(found)) return found;
    if (found.pins > 0 || object.active > 0) {
      throw this.#noSpace(object, "it is in use beyond the aperture");
    }
    this.unbind(found);
    return null;
  }

  /** Puts an object with pinned pages where there is room; the binding keeps the pin. */
  #insert(object: I915Object, { mappable = false }: BindOptions): Binding {
    const end = mappable ? this.mappable : this.size;
    let offset = this.#free.take(object.size, end);
    while (offset === null) {
      if (!this.#evictOne()) {
        object.pages.unpin();
        throw this.#noSpace(object, `it needs ${object.size} of ${end} bytes`);
      }
      offset = this.#free.take(object.size, end);
    }
    const { level } = object;
    const { machine } = object.driver;
    const route = object.backing.region === "local" ? machine.direct : machine.route(level);
    const binding = { object, space: this, offset, level, route, pins: 0 };
    this.#bindings.set(object, binding);
    object.bindings.add(binding);
    const { trace } = this.#simulation;
    trace.emit(vmaBind, object.id, trace.intern(this.name), offset, object.size, mappable ? 1 : 0);
    return binding;
  }

  /** Throws out the oldest object that nobody uses; false when there is none. */
  #evictOne(): boolean {
    for (const binding of this.#bindings.values()) {
      if (binding.pins > 0 || binding.object.active > 0) continue;
      this.unbind(binding);
      return true;
    }
    return false;
  }

  #noSpace(object: I915Object, reason: string): KernelError {
    return new KernelError("ENOSPC", "i915_vma_pin", `object ${object.id} in ${this.name}: ${reason}`);
  }
}

/** The address that a page-table entry has for a byte of an object. */
function addressOf({ pages, backing }: I915Object, offset: number): number {
  const { mapping } = pages;
  if (mapping === null) return backing.extents.addressAt(offset);
  let left = offset;
  let entry = 0;
  while (left >= (mapping.dmaLengths[entry] as number)) left -= mapping.dmaLengths[entry++] as number;
  return (mapping.dmaAddresses[entry] as number) + left;
}
