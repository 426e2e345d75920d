// SPDX-License-Identifier: MIT
import * as dma from "../../dma/dma-trace.ts";
import type { Trace, TraceEvent } from "../../sim/trace.ts";
import type { TraceField, Tracepoint } from "../../sim/tracepoint.ts";

/** A contiguous mapping, and which parts of it the CPU has taken for a while. */
interface Owned {
  readonly device: string;
  readonly dmaAddress: number;
  readonly start: number;
  readonly end: number;
  readonly direction: string;
  /** Physical ranges that were synced for the CPU and not given back. */
  taken: readonly (readonly [start: number, end: number])[];
}

/** Somebody who touches what is not his, or syncs in the middle of a line. */
export type OwnershipNote = (operation: string, what: string, event: TraceEvent) => void;

/**
 * Who owns contiguous mappings at each moment, which the kernel's debugging does not follow: a CPU that touches what
 * the device has, a device that does the opposite of what its memory was mapped for, a sync that ends inside a line of a
 * device that is not coherent. Accesses are judged by their first byte. Scatterlists are left to the coherency checks.
 */
export class DmaOwnership {
  readonly #line: number;
  readonly #isCoherent: (device: string) => boolean;
  readonly #note: OwnershipNote;
  #live: Owned[] = [];

  /** @param line bytes in a line of the CPU's cache. */
  constructor(trace: Trace, line: number, isCoherent: (device: string) => boolean, note: OwnershipNote) {
    this.#line = line;
    this.#isCoherent = isCoherent;
    this.#note = note;
    const on = (point: unknown, act: (event: TraceEvent) => void): void =>
      void trace.subscribe(point as Tracepoint<readonly TraceField[]>, act as (event: TraceEvent) => void);
    on(dma.dmaMapPage, (event) => this.#map(event));
    on(dma.dmaUnmapPage, (event) => {
      const mapping = this.#at(event.text("device"), event.get("addr"));
      this.#live = this.#live.filter((each) => each !== mapping);
    });
    on(dma.dmaSyncSingleForCpu, (event) => this.#sync(event, true));
    on(dma.dmaSyncSingleForDevice, (event) => this.#sync(event, false));
    on(dma.cpuAccess, (event) => this.#cpu(event));
    on(dma.deviceAccess, (event) => this.#device(event));
  }

  #map(event: TraceEvent): void {
    const start = event.get("phys_addr");
    this.#live.push({
      device: event.text("device"),
      dmaAddress: event.get("dma_addr"),
      start,
      end: start + event.get("size"),
      direction: event.text("dir"),
      taken: [],
    });
  }

  #at(device: string, dmaAddress: number): Owned | undefined {
    return this.#live.find((each) => each.device === device && each.dmaAddress === dmaAddress);
  }

  #sync(event: TraceEvent, forCpu: boolean): void {
    const device = event.text("device");
    const from = event.get("dma_addr");
    const size = event.get("size");
    const mapping = this.#live.find(
      (each) =>
        each.device === device && from >= each.dmaAddress && from < each.dmaAddress + each.end - each.start,
    );
    if (mapping === undefined) return;
    const start = mapping.start + from - mapping.dmaAddress;
    const end = Math.min(mapping.end, start + size);
    const rest = mapping.taken.filter(([a, b]) => b <= start || a >= end);
    mapping.taken = forCpu ? [...rest, [start, end]] : rest;
    const inside = (edge: number): boolean =>
      edge % this.#line !== 0 && edge > mapping.start && edge < mapping.end;
    if (this.#isCoherent(device) || !(inside(start) || inside(end))) return;
    const what = `[${hex(start)}, ${hex(end)}) begins or ends inside a line of ${this.#line} bytes, of which the device has the rest`;
    this.#note(`${event.point.name} of ${device}`, what, event);
  }

  #cpu(event: TraceEvent): void {
    const address = event.get("address");
    const writes = event.text("kind") !== "read";
    for (const { device, start, end, direction, taken } of this.#live) {
      if (address < start || address >= end) continue;
      if (taken.some(([a, b]) => address >= a && address < b)) continue;
      if (!writes && direction === "TO_DEVICE") continue;
      const what = `the CPU ${writes ? "writes" : "reads"} ${hex(address)}, which ${device} has mapped ${direction}`;
      this.#note(`CPU access during DMA of ${device}`, what, event);
    }
  }

  #device(event: TraceEvent): void {
    const device = event.text("device");
    const address = event.get("address");
    const kind = event.text("kind");
    const wrong = kind === "write" ? "TO_DEVICE" : "FROM_DEVICE";
    const mapping = this.#live.find(
      (each) => each.device === device && address >= each.start && address < each.end,
    );
    if (mapping === undefined || mapping.direction !== wrong) return;
    const does = kind === "write" ? "writes" : "reads";
    this.#note(`DMA of ${device}`, `it ${does} ${hex(address)}, which was mapped ${wrong}`, event);
  }
}

const hex = (value: number): string => `0x${value.toString(16)}`;
