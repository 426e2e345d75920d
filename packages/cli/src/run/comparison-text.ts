// SPDX-License-Identifier: MIT
import type { RunReport } from "@dmabuf/core";
import Table from "cli-table3";
import type { Colors } from "../style.ts";
import { borderless } from "./borderless.ts";
import { bytes, duration } from "./quantity.ts";
import { verdictText } from "./run-text.ts";

/** Several policies side by side, one line each: verdict, maintenance, cost, and the first error. */
export function comparisonText(reports: readonly RunReport[], colors: Colors): string[] {
  const table = new Table({
    ...borderless,
    head: ["coherency", "verdict", "maintenance", "CPU time", "finds"].map((title) => colors.bold(title)),
  });
  for (const { coherency, verdict, maintenance, cost, findings } of reports) {
    const { ops, bytes: touched, ns } = maintenance.performed;
    const done = ops === 0 ? "none" : `${ops} ops, ${bytes(touched)}, ${duration(ns)}`;
    const errors = [
      ...new Set(findings.filter(({ severity }) => severity === "error").map(({ code }) => code)),
    ];
    table.push([
      coherency,
      verdictText(verdict, colors),
      done,
      duration(cost.cpuNs),
      errors.join(", ") || "-",
    ]);
  }
  const assumptions = [...new Set(reports.flatMap((report) => report.assumptions))];
  const lines = table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd());
  return assumptions.length === 0 ? lines : [...lines, "", ...assumptions.map((text) => `assumes  ${text}`)];
}
