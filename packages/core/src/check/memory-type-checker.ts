// SPDX-License-Identifier: MIT
import { dmaBufMmap, dmaBufMunmap, dmaBufVmap, dmaBufVunmap } from "../buffer/buffer-trace.ts";
import type { Trace, TraceEvent } from "../sim/trace.ts";
import type { TraceField, Tracepoint } from "../sim/tracepoint.ts";
import { type Finding, finding } from "./finding.ts";

interface Live {
  readonly address: number;
  readonly type: string;
  readonly by: string;
  readonly time: number;
}

const fix = ["map the memory with one type everywhere; before the type changes, unmap, flush and map anew"];

/** One page mapped with two memory types at once, which no architecture keeps coherent. */
export class MemoryTypeChecker {
  /** Mappings of each buffer. */
  readonly #live = new Map<number, Live[]>();
  readonly #findings: Finding[] = [];

  constructor(trace: Trace) {
    for (const point of [dmaBufMmap, dmaBufVmap] as readonly Tracepoint<readonly TraceField[]>[])
      trace.subscribe(point, (event) => this.#map(event));
    for (const point of [dmaBufMunmap, dmaBufVunmap] as readonly Tracepoint<readonly TraceField[]>[])
      trace.subscribe(point, (event) => this.#unmap(event));
  }

  /** What it found, equal ones of several buffers each. */
  findings(): readonly Finding[] {
    return this.#findings;
  }

  #map(event: TraceEvent): void {
    // A window has pages of its own on the bus, so it is no second name of the buffer's.
    if (event.get("window") === 1) return;
    const ino = event.get("ino");
    const [type, by, time] = [event.text("type"), event.timelineName, event.time];
    const live = this.#live.get(ino) ?? [];
    const other = live.find((each) => each.type !== type);
    if (other !== undefined) {
      const message = `${by} maps a buffer ${type} while ${other.by} has it mapped ${other.type}`;
      const party = { stage: other.by, device: null, time: other.time };
      this.#findings.push(finding("memory-type-alias", message, { stage: by, time, other: party, fix }));
    }
    this.#live.set(ino, [...live, { address: event.get("address"), type, by, time }]);
  }

  #unmap(event: TraceEvent): void {
    const live = this.#live.get(event.get("ino")) ?? [];
    this.#live.set(
      event.get("ino"),
      live.filter(({ address }) => address !== event.get("address")),
    );
  }
}
