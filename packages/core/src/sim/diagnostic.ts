// SPDX-License-Identifier: MIT
import { KernelBug } from "../error.ts";
import type { Trace } from "./trace.ts";
import { tracepoint } from "./tracepoint.ts";

/** How bad: the kernel would WARN and go on, or it would BUG and stop. */
export type DiagnosticSeverity = "warn" | "bug";

const severities = ["warn", "bug"] as const satisfies readonly DiagnosticSeverity[];

/** What the kernel would print a WARN or a BUG about, as an event: checkers see it like any other. */
export const kernelWarning = tracepoint(
  "dmabuf",
  "kernel_warning",
  ["severity", severities],
  ["rule", "string"],
  ["operation", "string"],
  ["text", "string"],
);

/** Something the kernel would have complained about. Equal ones are one, with a count. */
export interface Diagnostic {
  readonly severity: DiagnosticSeverity;
  /** The rule that was broken, as in `R-18`. */
  readonly rule: string;
  /** The function that noticed, in the kernel's words. */
  readonly operation: string;
  /** What was wrong. */
  readonly text: string;
  /** Virtual time in ns of the first occurrence. */
  readonly time: number;
  /** The timeline that ran at the first occurrence. */
  readonly timeline: string;
  /** How often it happened. */
  readonly count: number;
}

/**
 * Where the kernel's WARNs and BUGs go. A WARN is noted and the operation goes on, as in the kernel; a BUG is noted
 * and thrown. Both are events as well, with the sequence number's chain of causes.
 */
export class Diagnostics {
  readonly #trace: Trace;
  readonly #now: () => number;
  readonly #entries = new Map<string, { -readonly [K in keyof Diagnostic]: Diagnostic[K] }>();

  constructor(trace: Trace, now: () => number) {
    this.#trace = trace;
    this.#now = now;
  }

  /** Everything noted so far, in the order of first occurrence. */
  get entries(): readonly Diagnostic[] {
    return [...this.#entries.values()];
  }

  /** Notes what the kernel would WARN about. */
  warn(rule: string, operation: string, text: string): void {
    this.#note("warn", rule, operation, text);
  }

  /** Notes what the kernel would BUG about, and throws it as `KernelBug`: a driver that does this cannot go on. */
  bug(rule: string, operation: string, text: string): never {
    this.#note("bug", rule, operation, text);
    throw new KernelBug(`${operation}: BUG: ${text} (${rule})`);
  }

  #note(severity: DiagnosticSeverity, rule: string, operation: string, text: string): void {
    const trace = this.#trace;
    if (trace.wants(kernelWarning)) {
      const [ruleId, operationId, textId] = [trace.intern(rule), trace.intern(operation), trace.intern(text)];
      trace.emit(kernelWarning, severities.indexOf(severity), ruleId, operationId, textId);
    }
    const key = `${severity} ${rule} ${operation} ${text}`;
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.count++;
      return;
    }
    const timeline = trace.timelineName(trace.timeline);
    this.#entries.set(key, { severity, rule, operation, text, time: this.#now(), timeline, count: 1 });
  }
}
