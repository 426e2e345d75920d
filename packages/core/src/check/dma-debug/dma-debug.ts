// SPDX-License-Identifier: MIT
import {
  dmaBufBeginCpuAccess,
  dmaBufCpuAccessSynced,
  dmaBufEndCpuAccess,
  dmaBufUnalignedSegment,
} from "../../buffer/buffer-trace.ts";
import * as dma from "../../dma/dma-trace.ts";
import { areaOf } from "../../dma/kernel-address.ts";
import { DMA_MAPPING_ERROR } from "../../dma/mapping.ts";
import type { Trace, TraceEvent } from "../../sim/trace.ts";
import type { TraceField, Tracepoint } from "../../sim/tracepoint.ts";
import { type Finding, finding } from "../finding.ts";
import { DmaEntries, type DmaEntry, type EntryKind } from "./dma-entry.ts";
import { DmaOwnership } from "./dma-ownership.ts";
import { LineOverlap, MOST_OVERLAPS } from "./line-overlap.ts";

type Event = TraceEvent;

/** What an event says of a mapping. */
type Said = Partial<DmaEntry> & { readonly device: string; readonly dmaAddress: number };

/**
 * The debugging of the DMA API that kernels have behind `CONFIG_DMA_API_DEBUG`, from events alone: every entry of its
 * catalogue (5.6, X-1 to X-20) is a finding `dma-api-misuse` that names the entry, and where the memory was mapped.
 *
 * A kernel complains of two things that dma-buf does by design:
 * of a scatterlist that is mapped more than once (before 7.0), and of syncs in a CPU bracket, whose direction is the bracket's
 * and not the mapping's (H-5). Here they are none.
 */
export class DmaDebug {
  readonly #entries = new DmaEntries();
  readonly #overlap: LineOverlap;
  readonly #findings: Finding[] = [];
  /** Timelines on which an exporter does its part of a CPU bracket. */
  readonly #bracketing = new Set<number>();

  /** Entries that are live, and how many there may be; past that the kernel gives up for good. */
  #live = 0;
  readonly #most: number;
  #isOff = false;

  /**
   * @param line bytes in a line of the CPU's cache.
   * @param isCoherent whether Linux takes a device to be coherent; default none is.
   * @param most entries that the table holds; the kernel preallocates 65536. @see PREALLOC_DMA_DEBUG_ENTRIES
   */
  constructor(trace: Trace, line: number, isCoherent = (_device: string): boolean => false, most = 65_536) {
    this.#overlap = new LineOverlap(line);
    this.#most = most;
    new DmaOwnership(trace, line, isCoherent, (operation, what, event) =>
      this.#note("X-23", operation, what, event, null),
    );
    const on = (point: Tracepoint<never> | unknown, act: (event: Event) => void): void =>
      void trace.subscribe(point as Tracepoint<readonly TraceField[]>, act as (event: TraceEvent) => void);
    on(dma.dmaMapSingle, (event) => this.#checkAddress(event));
    on(dma.dmaMapPage, (event) => this.#map(event, "single", "phys_addr", "dma_addr", "size"));
    on(dma.dmaMapSg, (event) => this.#map(event, "scatter-gather", "phys_addrs", "dma_addrs", "lengths"));
    on(dma.dmaMapResource, (event) => this.#map(event, "resource", "phys_addr", "dma_addr", "size"));
    on(dma.dmaAlloc, (event) => this.#map(event, "coherent", "virt_addr", "dma_addr", "size"));
    on(dma.dmaAllocPages, (event) => this.#map(event, "pages", "virt_addr", "dma_addr", "size"));
    on(dma.dmaAllocSgt, (event) => this.#map(event, "noncontiguous", "phys_addrs", "dma_addr", "size"));
    on(dma.dmaMappingError, (event) => {
      for (const entry of this.#entries.at(event.text("device"), event.get("dma_addr"))) entry.checked = true;
    });
    on(dma.dmaSgOutsize, (event) => this.#outsize(event));
    on(dma.dmaUnmapPage, (event) => this.#unmap(event, "dma_unmap_page", "single", "addr"));
    on(dma.dmaUnmapSg, (event) => this.#unmap(event, "dma_unmap_sg", "scatter-gather", "addrs"));
    on(dma.dmaUnmapResource, (event) => this.#unmap(event, "dma_unmap_resource", "resource", "addr"));
    on(dma.dmaFree, (event) => this.#unmap(event, "dma_free_attrs", "coherent", "dma_addr"));
    on(dma.dmaFreePages, (event) => this.#unmap(event, "dma_free_pages", "pages", "dma_addr"));
    on(dma.dmaFreeSgt, (event) => this.#unmap(event, "dma_free_noncontiguous", "noncontiguous", "dma_addr"));
    on(dma.dmaSyncSingleForCpu, (event) => this.#sync(event, "cpu", false));
    on(dma.dmaSyncSingleForDevice, (event) => this.#sync(event, "device", false));
    on(dma.dmaSyncSgForCpu, (event) => this.#sync(event, "cpu", true));
    on(dma.dmaSyncSgForDevice, (event) => this.#sync(event, "device", true));
    for (const point of [dmaBufBeginCpuAccess, dmaBufEndCpuAccess])
      on(point, ({ timeline }) => this.#bracketing.add(timeline));
    on(dmaBufCpuAccessSynced, ({ timeline }) => this.#bracketing.delete(timeline));
    on(dma.dmaDriverUnbound, (event) => this.#unbound(event));
    on(dmaBufUnalignedSegment, (event) => {
      const segment = `segment ${event.get("entry")}, ${event.get("length")} bytes at ${hex(event.get("dma_addr"))},`;
      this.#note("X-22", "dma_buf_map_attachment", `${segment} is not made of whole pages`, event, null);
    });
  }

  /** What it found, in order. */
  findings(): readonly Finding[] {
    return this.#findings;
  }

  #map(event: Event, kind: EntryKind, address: string, dmaAddress: string, size: string): void {
    const at = event.get(dmaAddress);
    if (at === DMA_MAPPING_ERROR) return;
    const entry: DmaEntry = {
      kind,
      device: event.text("device"),
      dmaAddress: at,
      size: event.get(size),
      direction: event.text("dir"),
      entries: kind === "scatter-gather" ? event.get("full_nents") : 1,
      address: event.get(address),
      checked: kind !== "single" && kind !== "resource",
      timeline: event.timelineName,
      time: event.time,
    };
    if (this.#isOff) return;
    if (++this.#live > this.#most) {
      this.#note(
        "X-21",
        `dma_map of ${entry.device}`,
        `more than ${this.#most} mappings at once: nothing is checked from here on`,
        event,
        null,
      );
      this.#isOff = true;
      return;
    }
    this.#entries.add(entry);
    if (!tracksLines(entry)) return;
    const others = this.#overlap.add(entry.device, entry.address);
    if (others === 0) return;
    const what =
      others >= MOST_OVERLAPS
        ? `more than ${MOST_OVERLAPS} overlapping mappings of the line at ${hex(entry.address)}`
        : `the line at ${hex(entry.address)} is mapped already, and the device writes it through both`;
    this.#note("X-20", `dma_map of ${entry.device}`, what, event, null);
  }

  #checkAddress(event: Event): void {
    const address = event.get("virt_addr");
    const operation = `dma_map_single of ${event.text("device")}`;
    const area = areaOf(address);
    if (area === "linear") return;
    if (area === "stack") this.#note("X-10", operation, `${hex(address)} is on a stack`, event, null);
    if (area === "text" || area === "rodata")
      this.#note("X-11", operation, `${hex(address)} is the kernel's ${area}`, event, null);
    else this.#note("X-12", operation, `${hex(address)} is not in the linear map`, event, null);
  }

  #outsize(event: Event): void {
    const operation = `dma_map_sg of ${event.text("device")}`;
    const [length, bound] = [event.get("length"), event.get("bound")];
    const entry = `entry ${event.get("entry")}, ${length} bytes at ${hex(event.get("dma_addr"))},`;
    if (event.text("why") === "longer")
      this.#note(
        "X-18",
        operation,
        `${entry} is longer than the ${bound} that the device takes`,
        event,
        null,
      );
    else this.#note("X-19", operation, `${entry} crosses a multiple of ${bound}`, event, null);
  }

  #unmap(event: Event, call: string, kind: EntryKind, address: string): void {
    const said: Said = {
      kind,
      device: event.text("device"),
      dmaAddress: event.get(address),
      direction: event.text("dir"),
      entries: kind === "scatter-gather" ? event.get("full_nents") : 1,
      ...(kind === "scatter-gather" ? {} : { size: event.get("size") }),
    };
    if (this.#isOff) return;
    const operation = `${call} of ${said.device}`;
    if (said.dmaAddress === DMA_MAPPING_ERROR) {
      this.#note(
        "X-2",
        operation,
        "what is given back is DMA_MAPPING_ERROR, a mapping that failed",
        event,
        null,
      );
      return;
    }
    const entry = this.#entries.closest(said.device, said.dmaAddress, said);
    if (entry === null) {
      this.#note("X-3", operation, `nothing is mapped at ${hex(said.dmaAddress)}`, event, null);
      return;
    }
    const note = (rule: string, text: string): void => this.#note(rule, operation, text, event, entry);
    if (said.size !== undefined && said.size !== entry.size)
      note("X-4", `${said.size} bytes are given back of ${entry.size}`);
    if (kind !== entry.kind) note("X-5", `mapped as ${entry.kind}, given back as ${kind}`);
    else if (kind === "coherent" && event.get("virt_addr") !== entry.address)
      note("X-6", `allocated at ${hex(entry.address)}, freed at ${hex(event.get("virt_addr"))}`);
    if (kind === "scatter-gather" && entry.kind === kind && said.entries !== entry.entries)
      note("X-7", `${entry.entries} entries were mapped, ${said.entries} are given back`);
    if (kind !== "coherent" && said.direction !== entry.direction)
      note("X-8", `mapped ${entry.direction}, given back ${said.direction}`);
    if (!entry.checked) note("X-9", "nobody has asked whether mapping it failed (dma_mapping_error)");
    this.#entries.delete(entry);
    this.#live--;
    if (tracksLines(entry)) this.#overlap.remove(entry.device, entry.address);
  }

  #sync(event: Event, owner: "cpu" | "device", isSg: boolean): void {
    if (this.#isOff) return;
    const device = event.text("device");
    const operation = `${event.point.name} of ${device}`;
    const at = event.get(isSg ? "dma_addrs" : "dma_addr");
    const entry = this.#entries.holding(device, at);
    if (entry === null) {
      this.#note("X-13", operation, `nothing is mapped at ${hex(at)}`, event, null);
      return;
    }
    const note = (rule: string, text: string): void => this.#note(rule, operation, text, event, entry);
    if (isSg && event.get("full_nents") !== entry.entries)
      note("X-7", `${entry.entries} entries were mapped, ${event.get("full_nents")} are synced`);
    if (!isSg && at + event.get("size") > entry.dmaAddress + entry.size)
      note("X-14", `[${hex(at)}, ${hex(at + event.get("size"))}) ends beyond the mapping`);
    const direction = event.text("dir");
    if (entry.direction === "BIDIRECTIONAL" || this.#bracketing.has(event.timeline)) return;
    if (direction !== entry.direction) note("X-15", `mapped ${entry.direction}, synced ${direction}`);
    if (owner === "cpu" && entry.direction === "TO_DEVICE" && direction !== "TO_DEVICE")
      note("X-16", "the device only reads it, and the CPU takes it as if it had been written");
    if (owner === "device" && entry.direction === "FROM_DEVICE" && direction !== "FROM_DEVICE")
      note("X-17", "the device only writes it, and gets it as if it were to read");
  }

  #unbound(event: Event): void {
    const device = event.text("device");
    const left = this.#entries.of(device);
    const [first] = left;
    if (first === undefined) return;
    const what = `${left.length} mappings are left, one of them ${first.kind} of ${first.size} bytes at ${hex(first.dmaAddress)}`;
    this.#note("X-1", `driver of ${device} unbound`, what, event, first);
  }

  #note(rule: string, operation: string, what: string, event: Event, entry: DmaEntry | null): void {
    const { time, timelineName } = event;
    const hasDevice = event.point.fields.some(([name]) => name === "device");
    const device = hasDevice ? event.text("device") : null;
    const origin = entry === null ? "" : `; mapped by ${entry.timeline} at ${entry.time} ns`;
    const other = entry === null ? null : { stage: entry.timeline, device, time: entry.time };
    this.#findings.push(
      finding("dma-api-misuse", `${operation}: ${what}${origin} (${rule})`, {
        stage: timelineName,
        device,
        time,
        other,
      }),
    );
  }
}

/** Whether two of them on one line are a mistake: memory that the device writes, and that is not coherent. */
const tracksLines = ({ kind, direction }: DmaEntry): boolean =>
  kind === "single" && direction !== "TO_DEVICE";

const hex = (value: number): string => `0x${value.toString(16)}`;
