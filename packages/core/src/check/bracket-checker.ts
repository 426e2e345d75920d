// SPDX-License-Identifier: MIT
import { dmaBufBeginCpuAccess, dmaBufCpuAccess, dmaBufEndCpuAccess } from "../buffer/buffer-trace.ts";
import type { Trace, TraceEvent } from "../sim/trace.ts";
import { type Finding, finding } from "./finding.ts";

const fix = ["DMA_BUF_IOCTL_SYNC with DMA_BUF_SYNC_START before the access and DMA_BUF_SYNC_END after it"];

/** CPU access outside a bracket, and brackets that do not pair up (B-52, B-53: the kernel keeps no count). */
export class BracketChecker {
  /** Directions of the open brackets, for each thread and buffer. */
  readonly #open = new Map<string, { readonly timeline: string; readonly directions: string[] }>();
  readonly #findings: Finding[] = [];

  constructor(trace: Trace) {
    trace.subscribe(dmaBufBeginCpuAccess, (event) => this.#bracket(event).push(event.text("dir")));
    trace.subscribe(dmaBufEndCpuAccess, (event) => this.#end(event));
    trace.subscribe(dmaBufCpuAccess, (event) => {
      if (this.#bracket(event).length > 0) return;
      const does = event.text("kind") === "read" ? "reads" : "writes";
      this.#note("missing-bracket", event, `${does} the buffer outside a CPU-access bracket`);
    });
  }

  /** What it found, with what is still open at the end. */
  finish(time: number): readonly Finding[] {
    for (const { timeline: timelineName, directions } of this.#open.values()) {
      if (directions.length === 0) continue;
      this.#note("bracket-imbalance", { timelineName, time }, "never ends CPU access that it began");
    }
    return this.#findings;
  }

  #bracket(event: TraceEvent): string[] {
    const timeline = event.timelineName;
    const key = `${event.get("ino")} ${timeline}`;
    let open = this.#open.get(key);
    if (open === undefined) {
      open = { timeline, directions: [] };
      this.#open.set(key, open);
    }
    return open.directions;
  }

  #end(event: TraceEvent): void {
    const ends = event.text("dir");
    const began = this.#bracket(event).pop();
    if (began === undefined) this.#note("bracket-imbalance", event, "ends CPU access that it never began");
    else if (began !== ends) {
      this.#note("bracket-imbalance", event, `ends CPU access as ${ends} that it began as ${began}`);
    }
  }

  #note(
    code: "missing-bracket" | "bracket-imbalance",
    { timelineName: stage, time }: Pick<TraceEvent, "timelineName" | "time">,
    what: string,
  ): void {
    this.#findings.push(finding(code, `${stage} ${what}`, { stage, time, fix }));
  }
}
