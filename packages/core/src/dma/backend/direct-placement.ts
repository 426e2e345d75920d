// SPDX-License-Identifier: MIT
import type { Route } from "../../coherency/topology.ts";
import type { Extents } from "../../memory/extents.ts";
import type { Trace } from "../../sim/trace.ts";
import type { Arch } from "../arch.ts";
import type { Cpu } from "../cpu.ts";
import type { DmaDirection } from "../direction.ts";
import type { BouncingHands } from "./bounced-placement.ts";
import { busStretches } from "./bus-stretches.ts";
import type { MapRequest, Placement, Reached, ReachingAccess } from "./dma-backend.ts";
import { translatedReach } from "./translated-reach.ts";

/** A direct mapping in which nothing bounces: handing it over is maintenance, and none for a coherent device (D-21, D-25). */
export class DirectPlacement implements Placement {
  readonly dmaAddresses: Float64Array;
  readonly dmaLengths: Float64Array;
  readonly bounced = null;
  readonly #arch: Arch;
  readonly #cpu: Cpu;
  readonly #request: MapRequest;
  readonly #trace: Trace;

  constructor({ arch, cpu, trace }: BouncingHands, request: MapRequest, dmaAddresses: Float64Array) {
    this.#arch = arch;
    this.#cpu = cpu;
    this.#request = request;
    this.#trace = trace;
    const { starts, ends } = request.extents;
    this.dmaAddresses = dmaAddresses;
    this.dmaLengths = starts.map((start, i) => (ends[i] as number) - start);
  }

  get nents(): number {
    return this.dmaAddresses.length;
  }

  map(event: number): void {
    const { extents, direction, attributes } = this.#request;
    if (attributes.skipCpuSync !== true) this.syncForDevice(extents, direction, event);
  }

  syncForDevice(part: Extents, direction: DmaDirection, event: number): void {
    if (this.#maintains) this.#cpu.maintain(this.#arch.syncForDevice(part, direction), event);
  }

  syncForCpu(part: Extents, direction: DmaDirection, event: number): void {
    if (this.#maintains) this.#cpu.maintain(this.#arch.syncForCpu(part, direction), event);
  }

  unmap(direction: DmaDirection, skipCpuSync: boolean, event: number): void {
    if (!skipCpuSync) this.syncForCpu(this.#request.extents, direction, event);
  }

  reached(part: Extents, own: Route, access: ReachingAccess): readonly Reached[] {
    const { device } = this.#request;
    if (device.translation === undefined || device.translation === null)
      return [{ route: own, extents: part }];
    const stretches = busStretches(this, access.offset, part.bytes);
    return translatedReach(device, stretches, own, access, this.#trace);
  }

  get #maintains(): boolean {
    const { device, attributes } = this.#request;
    return !device.coherent && attributes.mmio !== true;
  }
}
