// SPDX-License-Identifier: MIT
import type { Route } from "../../coherency/topology.ts";
import type { DeviceTranslation } from "../../iommu/translation.ts";
import type { Simulation } from "../../sim/simulation.ts";
import type { DmaDevice } from "../dma-device.ts";
import type { SgMapping } from "../mapping.ts";
import type { Reached } from "./dma-backend.ts";
import { reachAt } from "./reach-at.ts";
import { ReachedParts } from "./reached-parts.ts";
import { type BusStretch, type DeviceWork, type TranslatedRun, translatedRuns } from "./translated-reach.ts";

/** What stands between a device's own addresses and memory. */
interface OwnPath {
  /** The MMU inside of the device. */
  readonly translation: DeviceTranslation;
  /** What was mapped for the device, or null. */
  readonly mapping: SgMapping | null;
  /** The way that the device's accesses take where nothing decides otherwise. */
  readonly route: Route;
}

/**
 * The physical memory that a device gets at by an address of its own (D23): its MMU says which bus addresses those are,
 * and from there on it is an access like any other, to what the DMA API mapped or to whatever else lies there. It ends
 * where the first of them refuses.
 */
export function ownReach(
  device: DmaDevice,
  stretch: BusStretch,
  { translation, mapping, route }: OwnPath,
  work: DeviceWork,
  simulation: Simulation,
): readonly Reached[] {
  const parts = new ReachedParts();
  const entries = mapping === null ? null : new MappedEntries(mapping);
  for (const run of translatedRuns(device, translation, [stretch], route, work, simulation.trace)) {
    for (let done = 0; done < run.length; ) {
      const rest = { ...run, address: run.address + done, length: run.length - done };
      // What carries a PASID goes through another domain than the DMA API's.
      const part = (run.substream === undefined ? entries?.reach(rest, work) : null) ?? {
        length: rest.length,
        reached: reachAt(device, rest, work, simulation, rest.route),
      };
      let bytes = 0;
      for (const { route: way, extents } of part.reached) {
        const { pairs } = extents;
        for (let i = 0; i < pairs.length; i += 2) parts.add(way, pairs[i] as number, pairs[i + 1] as number);
        bytes += extents.bytes;
      }
      if (bytes < part.length) return parts.all;
      done += part.length;
    }
  }
  return parts.all;
}

/** The entries of a mapping, looked up by bus address: the next one is most likely the one after the last. */
class MappedEntries {
  readonly #mapping: SgMapping;
  /** Byte of the mapping at which each entry begins. */
  readonly #offsets: Float64Array;
  #last = 0;

  constructor(mapping: SgMapping) {
    const { dmaLengths, nents } = mapping;
    this.#mapping = mapping;
    this.#offsets = new Float64Array(nents);
    for (let i = 1; i < nents; i++)
      this.#offsets[i] = (this.#offsets[i - 1] as number) + (dmaLengths[i - 1] as number);
  }

  /** What is reached of the entry that a run begins in, or null where it begins in none. */
  reach({ address, length, route }: TranslatedRun, { kind, event }: DeviceWork) {
    const { dmaAddresses, dmaLengths, nents, extents, placement } = this.#mapping;
    for (let tried = 0; tried < nents; tried++) {
      const entry = (this.#last + tried) % nents;
      const skip = address - (dmaAddresses[entry] as number);
      const held = dmaLengths[entry] as number;
      if (skip < 0 || skip >= held) continue;
      this.#last = entry;
      const taken = Math.min(held - skip, length);
      const offset = (this.#offsets[entry] as number) + skip;
      const part = extents.slice(offset, taken);
      return { length: taken, reached: placement.reached(part, route, { kind, offset, event }) };
    }
    return null;
  }
}
