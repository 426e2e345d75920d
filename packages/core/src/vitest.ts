// SPDX-License-Identifier: MIT
// Matchers for vitest: `import "@dmabuf/core/vitest"` in a test file or a setup file.
import { expect } from "vitest";
import type { Finding, FindingCode } from "./check/finding.ts";
import type { RunReport } from "./platform/run-report.ts";

const told = ({ findings }: RunReport): string => {
  const lines = findings
    .filter(({ severity }) => severity !== "note")
    .map(({ code, device, stage, message }) => `  ${code} (${device ?? stage ?? "-"}): ${message}`);
  return lines.length === 0 ? "  no finding" : lines.join("\n");
};

expect.extend({
  toBeCoherent(report: RunReport) {
    const pass =
      report.verdict === "coherent" && !report.findings.some(({ severity }) => severity === "error");
    return {
      pass,
      message: () =>
        `expected ${report.pipeline} ${pass ? "not " : ""}to be coherent; it is ${report.verdict}:\n${told(report)}`,
    };
  },
  toHaveFinding(report: RunReport, code: FindingCode, expected: Partial<Finding> = {}) {
    const pass = report.findings.some(
      (found) => found.code === code && this.equals(found, expect.objectContaining(expected)),
    );
    const which =
      Object.keys(expected).length === 0 ? code : `${code} with ${this.utils.stringify(expected)}`;
    return {
      pass,
      message: () =>
        `expected ${report.pipeline} ${pass ? "not " : ""}to have the finding ${which}; it has:\n${told(report)}`,
    };
  },
});

/** What this module adds to `expect(report)`. */
export interface DmabufMatchers<R = unknown> {
  /** The verdict is coherent and nothing of severity error was found. */
  toBeCoherent(): R;
  /** There is a finding of that code, with these fields where they are given. */
  toHaveFinding(code: FindingCode, expected?: Partial<Finding>): R;
}

declare module "vitest" {
  interface Matchers<T> extends DmabufMatchers<T> {}
}
