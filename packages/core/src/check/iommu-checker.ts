// SPDX-License-Identifier: MIT
import { ioPageFault, staleTranslation, translationFault } from "../dma/iova/iommu-trace.ts";
import type { Trace, TraceEvent } from "../sim/trace.ts";
import type { BufferMap } from "./buffer-map.ts";
import { type Finding, type FindingCode, finding } from "./finding.ts";

/** The bit of `flags` that says that the access was a write. @see IOMMU_FAULT_WRITE */
const WRITE = 1;

const fixes: Readonly<Partial<Record<FindingCode, readonly string[]>>> = {
  "iommu-fault": ["map what the device is told to use, for what it does, and stop it before unmapping"],
  "dma-api-misuse": ["stop the device before unmapping; only iommu.strict=1 keeps it out from then on"],
};

/**
 * What an IOMMU refused, and what it let through although it was unmapped (X-23), from events alone. A device that does the
 * same thing again and again is told once, with where it began and how often.
 */
export class IommuChecker {
  readonly #buffers: BufferMap;
  readonly #found = new Map<string, Finding>();
  /** Why each device's access is about to fault. */
  readonly #reasons = new Map<string, string>();

  constructor(trace: Trace, buffers: BufferMap) {
    this.#buffers = buffers;
    trace.subscribe(translationFault, (event) =>
      this.#reasons.set(event.text("device"), event.text("reason")),
    );
    trace.subscribe(ioPageFault, (event) => this.#fault(event as TraceEvent));
    trace.subscribe(staleTranslation, (event) => this.#stale(event as TraceEvent));
  }

  /** What it found, in order. */
  findings(): readonly Finding[] {
    return [...this.#found.values()];
  }

  #fault(event: TraceEvent): void {
    const device = event.text("device");
    const does = (event.get("flags") & WRITE) === 0 ? "read" : "write";
    const why = this.#reasons.get(device);
    this.#reasons.delete(device);
    const reason = why === undefined ? "" : `: ${why}`;
    this.#note("iommu-fault", `${device} ${does}${reason}`, event, () =>
      finding("iommu-fault", `the IOMMU refuses ${device} to ${does} ${event.text("iova")}${reason}`),
    );
  }

  #stale(event: TraceEvent): void {
    const device = event.text("device");
    const does = event.text("kind");
    this.#note("dma-api-misuse", `${device} ${does} stale`, event, () => {
      const place = this.#buffers.find(event.get("paddr"));
      const reached = `${event.text("paddr")}${place === null ? "" : `, which is ${place.buffer}'s`}`;
      const what = `${event.text("iova")} is unmapped, but the TLB still has it: it gets at ${reached}`;
      return finding("dma-api-misuse", `${does} of ${device}: ${what} (X-23)`, {
        buffer: place?.buffer ?? null,
      });
    });
  }

  #note(code: FindingCode, key: string, event: TraceEvent, make: () => Finding): void {
    const known = this.#found.get(key);
    if (known !== undefined) {
      this.#found.set(key, { ...known, count: known.count + 1 });
      return;
    }
    const { time, timelineName: stage } = event;
    const fix = fixes[code] ?? [];
    this.#found.set(key, { ...make(), device: event.text("device"), stage, time, fix });
  }
}
