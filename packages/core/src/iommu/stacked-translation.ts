// SPDX-License-Identifier: MIT
import type { DeviceTranslation, Snooping, Translation } from "./translation.ts";

/**
 * Two translations one behind the other (D23): what comes out of the one inside the device is what the one on the bus is asked
 * for. The first that refuses ends it, and memory inside of the device does; the one that is nearer to memory decides about snooping.
 */
export class StackedTranslation implements DeviceTranslation {
  readonly #inner: DeviceTranslation;
  readonly #outer: DeviceTranslation;

  /** @param inner the device's own */
  constructor(inner: DeviceTranslation, outer: DeviceTranslation) {
    this.#inner = inner;
    this.#outer = outer;
  }

  translate(address: number, access: number, substream?: number): Translation {
    const first = this.#inner.translate(address, access, substream);
    if (first.fault !== null || first.inside === true) return first;
    const carried = first.substream ?? substream;
    const second = this.#outer.translate(first.address, access, carried);
    const missing = first.missing ?? second.missing;
    if (second.fault !== null) return { ...second, missing };
    return {
      fault: null,
      address: second.address,
      end: address + Math.min(first.end - address, second.end - first.address),
      snooping: decided(second.snooping, first.snooping),
      missing,
      ...(second.inside === true ? { inside: true } : {}),
      ...substreamOf(second.substream ?? first.substream),
    };
  }
}

const substreamOf = (substream: number | undefined) => (substream === undefined ? {} : { substream });

const decided = (outer: Snooping, inner: Snooping): Snooping => (outer === "device" ? inner : outer);
