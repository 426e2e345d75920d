// SPDX-License-Identifier: MIT
import type { Route } from "../../coherency/topology.ts";
import { KernelError } from "../../error.ts";
import type { Extents } from "../../memory/extents.ts";
import type { Arch } from "../arch.ts";
import type { Cpu } from "../cpu.ts";
import type { DmaDirection } from "../direction.ts";
import { capable, unreachable } from "../dma-reach.ts";
import type { DmaBackend, MapRequest, Placement, Reached } from "./dma-backend.ts";

/**
 * Direct mapping: a bus address is the physical one as the device's windows show it, nothing is joined (D-20 to D-26). What
 * a device cannot reach is refused.
 */
export class DirectDma implements DmaBackend {
  readonly #arch: Arch;
  readonly #cpu: Cpu;

  constructor(arch: Arch, cpu: Cpu) {
    this.#arch = arch;
    this.#cpu = cpu;
  }

  place(request: MapRequest): Placement {
    const { device, extents, direction, attributes, operation } = request;
    if (attributes.requireCoherent === true && !device.coherent) {
      throw new KernelError("EIO", operation, `${device.name} is not coherent, and the mapping must be`);
    }
    const { starts, ends, count } = extents;
    const dmaAddresses = new Float64Array(count);
    const dmaLengths = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const [start, end] = [starts[i] as number, ends[i] as number];
      const bus = capable(device, start, end, direction, device.masks.streaming);
      if (bus === null) throw unreachable(device, start, end, operation, device.masks.streaming);
      dmaAddresses[i] = bus;
      dmaLengths[i] = end - start;
    }
    return new DirectPlacement(this.#arch, this.#cpu, request, dmaAddresses, dmaLengths);
  }

  placeResource(request: MapRequest): Placement {
    const { device, extents, attributes, operation } = request;
    const start = extents.addressAt(0);
    const { streaming } = device.masks;
    if (start + extents.bytes - 1 > streaming) {
      throw unreachable(device, start, start + extents.bytes, operation, streaming);
    }
    const mmio = { ...request, attributes: { ...attributes, mmio: true } };
    const [addresses, lengths] = [Float64Array.of(start), Float64Array.of(extents.bytes)];
    return new DirectPlacement(this.#arch, this.#cpu, mmio, addresses, lengths);
  }

  mergeBoundary(): number {
    return 0;
  }

  maxMappingSize(): number {
    return Number.POSITIVE_INFINITY;
  }

  optMappingSize(): number {
    return Number.POSITIVE_INFINITY;
  }
}

class DirectPlacement implements Placement {
  readonly dmaAddresses: Float64Array;
  readonly dmaLengths: Float64Array;
  readonly bounced = null;
  readonly #arch: Arch;
  readonly #cpu: Cpu;
  readonly #request: MapRequest;

  constructor(
    arch: Arch,
    cpu: Cpu,
    request: MapRequest,
    dmaAddresses: Float64Array,
    dmaLengths: Float64Array,
  ) {
    this.#arch = arch;
    this.#cpu = cpu;
    this.#request = request;
    this.dmaAddresses = dmaAddresses;
    this.dmaLengths = dmaLengths;
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

  reached(part: Extents, own: Route): readonly Reached[] {
    return [{ route: own, extents: part }];
  }

  get #maintains(): boolean {
    const { device, attributes } = this.#request;
    return !device.coherent && attributes.mmio !== true;
  }
}
