// SPDX-License-Identifier: MIT
import {
  iommuGroup,
  ioPageFault,
  staleTranslation,
  translationFault,
  unsnoopedMapping,
} from "../iommu/iommu-trace.ts";
import type { Trace, TraceEvent } from "../sim/trace.ts";
import type { BufferMap } from "./buffer-map.ts";
import { type Finding, type FindingCode, finding } from "./finding.ts";
import { deviceOf } from "./step-text.ts";

/** The bit of `flags` that says that the access was a write. @see IOMMU_FAULT_WRITE */
const WRITE = 1;

/** What mends findings whose mending is always the same. */
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
  /** Where coherent devices were first not snooped. */
  readonly #unsnooped = new Map<string, string>();
  /** Why each device's access is about to fault. */
  readonly #reasons = new Map<string, string>();

  constructor(trace: Trace, buffers: BufferMap) {
    this.#buffers = buffers;
    trace.subscribe(translationFault, (event) =>
      this.#reasons.set(event.text("device"), event.text("reason")),
    );
    trace.subscribe(ioPageFault, (event) => this.#fault(event as TraceEvent));
    trace.subscribe(staleTranslation, (event) => this.#stale(event as TraceEvent));
    trace.subscribe(unsnoopedMapping, (event) => {
      const device = event.text("device");
      if (!this.#unsnooped.has(device)) this.#unsnooped.set(device, event.text("iova"));
    });
    trace.subscribe(iommuGroup, (event) => this.#shared(event as TraceEvent));
  }

  /** Tells of hazards that a coherent device came by since its mapping does not snoop what would mend them, too. */
  attributed(findings: readonly Finding[]): Finding[] {
    return findings.map((found) => {
      if (found.code !== "stale-read" && found.code !== "lost-write") return found;
      const device = [found.device, found.other?.device].find((name) => this.#unsnooped.has(name ?? ""));
      if (device === undefined) return found;
      const where = this.#unsnooped.get(device as string);
      return {
        ...found,
        fix: [`map ${where} for ${device} with IOMMU_CACHE, so that it snoops`, ...found.fix],
      };
    });
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
    const missing = event.text("missing");
    const code = missing === "" ? "dma-api-misuse" : "stale-translation";
    this.#note(code, `${device} ${does} stale ${instructionsOf(missing)}`, event, () => {
      const place = this.#buffers.find(event.get("paddr"));
      const reached = `${event.text("paddr")}${place === null ? "" : `, which is ${place.buffer}'s`}`;
      const buffer = place?.buffer ?? null;
      if (missing !== "") {
        const fault = event.text("fault");
        const iova = event.text("iova");
        const what =
          fault === ""
            ? `${iova} still gets at ${reached}, which the tables do not say any more`
            : `${iova} is refused by what the IOMMU remembers and the tables do not say any more (${fault})`;
        return finding(code, `${does} of ${device}: ${what}; missing: ${missing}`, {
          buffer,
          fix: [missing],
        });
      }
      const what = `${event.text("iova")} is unmapped, but the TLB still has it: it gets at ${reached}`;
      return finding(code, `${does} of ${device}: ${what} (X-23)`, { buffer });
    });
  }

  #shared(event: TraceEvent): void {
    const [devices, id, iommu] = [event.text("devices"), event.get("id"), event.text("iommu")];
    const what = `${iommu} does not tell ${devices} apart by their ids, such as 0x${id.toString(16)}`;
    this.#note("not-isolated", `${iommu} ${devices}`, event, () =>
      finding("not-isolated", `${what}: each reaches what is mapped for the others (M-2)`),
    );
  }

  #note(code: FindingCode, key: string, event: TraceEvent, make: () => Finding): void {
    const known = this.#found.get(key);
    if (known !== undefined) {
      this.#found.set(key, { ...known, count: known.count + 1 });
      return;
    }
    const { time, timelineName: stage } = event;
    const made = make();
    const device = deviceOf(event);
    this.#found.set(key, { ...made, device, stage, time, fix: fixes[code] ?? made.fix });
  }
}

/** Which instructions are missing, wherever they are: those that are forgotten address by address are one mistake. */
const instructionsOf = (missing: string): string => missing.replace(/0x[0-9a-f]+/g, "");
