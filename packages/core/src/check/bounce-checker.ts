// SPDX-License-Identifier: MIT
import { alignDown, PAGE_SIZE } from "../address.ts";
import { dmaBufMapAttachment } from "../buffer/buffer-trace.ts";
import { dmaMapSg, swiotlbBounced } from "../dma/dma-trace.ts";
import { DMA_MAPPING_ERROR } from "../dma/mapping.ts";
import type { Trace, TraceEvent } from "../sim/trace.ts";
import type { BufferMap } from "./buffer-map.ts";
import { type Finding, finding } from "./finding.ts";

/** A mapping that an attachment got and that has copies in it. */
interface BouncedShare {
  readonly device: string;
  readonly time: number;
  /** The first entry that bounced. */
  readonly first: TraceEvent;
  /** Start and end of each. */
  readonly ranges: readonly number[];
}

const fix = [
  "allocate where every device reaches, for example from a CMA pool in low memory",
  "map for each transfer, or sync around it, if the device has to work on a copy",
];

const hex = (value: number): string => `0x${value.toString(16)}`;

/** Buffers of which a device gets a copy although it attached to share them (D3, D-20). */
export class BounceChecker {
  /** What bounced in the latest map of each device. */
  readonly #latest = new Map<string, TraceEvent[]>();
  readonly #shares: BouncedShare[] = [];

  constructor(trace: Trace) {
    trace.subscribe(dmaMapSg, (event) => this.#latest.delete(event.text("device")));
    trace.subscribe(swiotlbBounced, (event) => {
      if (trace.at(event.cause)?.point !== dmaMapSg) return;
      const device = event.text("dev_name");
      this.#latest.set(device, [...(this.#latest.get(device) ?? []), event]);
    });
    trace.subscribe(dmaBufMapAttachment, (event) => this.#share(event));
  }

  /** One finding for each device and buffer. */
  findings(buffers: BufferMap): readonly Finding[] {
    const found = new Map<string, Finding>();
    for (const { device, time, first, ranges } of this.#shares) {
      const place = buffers.find(ranges[0] as number);
      const key = `${device} ${place?.buffer}`;
      const known = found.get(key);
      const range = buffers.rangeOf(Float64Array.from(ranges));
      const bytes = ranges.reduce((sum, at, i) => (i % 2 === 0 ? sum - at : sum + at), 0);
      const what = place === null ? "a buffer" : `${place.buffer}[${place.index}]`;
      const message = `${device} works on a copy of ${bytes} bytes of ${what}: ${reasonOf(first)}`;
      if (known !== undefined) found.set(key, { ...known, count: known.count + 1 });
      else {
        const buffer = place?.buffer ?? null;
        const text = `${device} got a bounce buffer for [${hex(ranges[0] as number)}, ${hex(ranges[1] as number)})`;
        const event = `${first.point.system}:${first.point.name}`;
        const because = [{ time: first.time, timeline: first.timelineName, event, text }];
        found.set(key, finding("bounced-share", message, { device, buffer, range, time, fix, because }));
      }
    }
    return [...found.values()];
  }

  #share(event: TraceEvent): void {
    const device = event.text("dev_name");
    const events = this.#latest.get(device);
    if (events === undefined) return;
    this.#latest.delete(device);
    const ranges = events.flatMap((each) => {
      const start = each.get("phys_addr");
      return [start, start + each.get("size")];
    });
    this.#shares.push({ device, time: event.time, first: events[0] as TraceEvent, ranges });
  }
}

/** Which limit is too low, and for which page. */
function reasonOf(event: TraceEvent): string {
  const limit = event.text("limit");
  const bound = event.get("bound");
  const phys = event.get("phys_addr");
  const bus = event.get("dev_addr");
  const within = bus === DMA_MAPPING_ERROR ? 0 : Math.max(0, bound + 1 - bus);
  const page = hex(alignDown(phys + within, PAGE_SIZE));
  if (limit === "forced") return "all its mappings are bounced";
  if (limit === "unaligned-kmalloc") return "they may share a cache line with something else";
  if (limit === "untrusted") return "it is untrusted, and gets no granule that is not all the buffer's";
  if (limit === "dma-ranges") {
    return `no window of its bus (dma-ranges) shows it the page at ${page}`;
  }
  const whose = limit === "dma-mask" ? "its DMA mask" : "what its bus passes on";
  return `${whose} ends at ${hex(bound)}, and the page at ${page} lies beyond`;
}
