// SPDX-License-Identifier: MIT
import type { Finding, RunReport, Severity } from "@dmabuf/core";
import type { Colors } from "../style.ts";
import { bytes, duration } from "./quantity.ts";

const paint: Readonly<Record<Severity, "red" | "yellow" | "dim">> = {
  error: "red",
  warning: "yellow",
  note: "dim",
};

/** A verdict in its colour. */
export function verdictText(verdict: RunReport["verdict"], colors: Colors): string {
  return verdict === "coherent" ? colors.green(verdict) : colors.red(verdict);
}

/** A run as people read it: the verdict, each finding with its story, and the cost. */
export function runText(report: RunReport, colors: Colors): string[] {
  const { pipeline, board, kernel, coherency, findings, assumptions } = report;
  const lines = [
    `${colors.bold(pipeline)} on ${board}, ${kernel}, coherency ${coherency}: ${verdictText(report.verdict, colors)}`,
  ];
  for (const found of findings) {
    lines.push("", ...(found.severity === "note" ? [headline(found, colors)] : findingText(found, colors)));
  }
  lines.push("", ...costText(report));
  if (assumptions.length > 0) lines.push("", ...assumptions.map((text) => `assumes  ${text}`));
  const codes = [...new Set(findings.filter(({ severity }) => severity !== "note").map(({ code }) => code))];
  if (codes.length > 0) lines.push("", colors.dim(codes.map((code) => `dmabuf explain ${code}`).join("   ")));
  return lines;
}

function headline({ code, severity, message, count }: Finding, colors: Colors): string {
  const times = count > 1 ? colors.dim(` (${count} times)`) : "";
  return `${colors[paint[severity]](`${severity}  ${code}`)}  ${message}${times}`;
}

/** A finding: what, the chain of events that led to it, the witness that realises it, and what mends it. */
export function findingText(found: Finding, colors: Colors): string[] {
  const lines = [headline(found, colors)];
  const width = Math.max(0, ...found.because.map(({ time }) => duration(time).length));
  if (found.because.length > 0) lines.push("", "  what happened");
  for (const { time, timeline, text } of found.because) {
    lines.push(`    ${duration(time).padStart(width)}  ${text} ${colors.dim(`(${timeline})`)}`);
  }
  if (found.witness !== null) {
    lines.push("", "  the shortest way to it, with memory up to date and nothing cached before");
    found.witness.forEach(({ kind, text }, i) => {
      lines.push(`    ${i + 1}. ${kind === "event" ? colors.yellow(text) : text}`);
    });
  }
  if (found.fix.length > 0) lines.push("", "  what mends it", ...found.fix.map((text) => `    ${text}`));
  return lines;
}

function costText({ maintenance: { performed, required }, waits, cost }: RunReport): string[] {
  const total = (which: { ops: number; bytes: number; ns: number }): string =>
    which.ops === 0 ? "none" : `${which.ops} operations, ${bytes(which.bytes)}, ${duration(which.ns)}`;
  const lines = waits.map(
    ({ stage, for: other, why, count, ns }) =>
      `waits        ${stage} for ${other}: ${why} (${count} time${count === 1 ? "" : "s"}, ${duration(ns)})`,
  );
  return [
    ...lines,
    `maintenance  performed ${total(performed)}; required ${required === null ? "unknown" : total(required)}`,
    `cost         ${cost.frames} frames in ${duration(cost.ns)}, CPU ${duration(cost.cpuNs)}`,
  ];
}
