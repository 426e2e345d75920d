// SPDX-License-Identifier: MIT
import { dmaBufBeginCpuAccess, dmaBufCpuAccess, dmaBufEndCpuAccess } from "../buffer/buffer-trace.ts";
import type { Trace } from "../sim/trace.ts";
import { type Finding, finding } from "./finding.ts";

/** CPU access outside a bracket, and brackets that do not balance (B-53: the kernel keeps no count). */
export class BracketChecker {
  readonly #open = new Map<string, number>();
  readonly #findings: Finding[] = [];

  constructor(trace: Trace) {
    const key = (timeline: string, ino: number): string => `${ino} ${timeline}`;
    trace.subscribe(dmaBufBeginCpuAccess, (event) => {
      const which = key(event.timelineName, event.get("ino"));
      this.#open.set(which, (this.#open.get(which) ?? 0) + 1);
    });
    trace.subscribe(dmaBufEndCpuAccess, (event) => {
      const which = key(event.timelineName, event.get("ino"));
      const open = this.#open.get(which) ?? 0;
      if (open > 0) this.#open.set(which, open - 1);
      else
        this.#note(
          "bracket-imbalance",
          event.timelineName,
          event.time,
          "ends CPU access that it never began",
        );
    });
    trace.subscribe(dmaBufCpuAccess, (event) => {
      if ((this.#open.get(key(event.timelineName, event.get("ino"))) ?? 0) > 0) return;
      const does = event.text("kind") === "read" ? "reads" : "writes";
      this.#note(
        "missing-bracket",
        event.timelineName,
        event.time,
        `${does} the buffer outside a CPU-access bracket`,
      );
    });
  }

  /** What it found, with what is still open at the end. */
  finish(time: number): readonly Finding[] {
    for (const [which, open] of this.#open) {
      if (open === 0) continue;
      this.#note(
        "bracket-imbalance",
        which.slice(which.indexOf(" ") + 1),
        time,
        "never ends CPU access that it began",
      );
    }
    return this.#findings;
  }

  #note(code: "missing-bracket" | "bracket-imbalance", stage: string, time: number, what: string): void {
    const fix = [
      "DMA_BUF_IOCTL_SYNC with DMA_BUF_SYNC_START before the access and DMA_BUF_SYNC_END after it",
    ];
    this.#findings.push(finding(code, `${stage} ${what}`, { stage, time, fix }));
  }
}
