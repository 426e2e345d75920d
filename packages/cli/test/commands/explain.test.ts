// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { referenceCodes, referencePage } from "../../src/reference-page.ts";
import { run } from "../run.ts";

const severities = {
  "attachment-outlives-buffer": "error",
  "bounced-share": "warning",
  "bracket-imbalance": "error",
  "coherency-conflict": "error",
  "constraint-conflict": "error",
  deadlock: "error",
  "dma-api-misuse": "error",
  "fence-never-signals": "error",
  "iommu-fault": "error",
  "stale-translation": "error",
  "not-isolated": "warning",
  leak: "warning",
  "lock-in-fence-critical-section": "error",
  "lock-order": "error",
  "lost-write": "error",
  race: "error",
  "missing-bracket": "warning",
  "memory-type-alias": "error",
  "needless-maintenance": "note",
  "stale-read": "error",
  "uninitialised-export": "error",
  unreachable: "error",
  "untrusted-access": "error",
};

/** Properties of device trees that the pages name. */
const words = ["alloc-ranges", "dma-coherent", "dma-ranges"];

describe("the findings reference", () => {
  test("has a page for each code, with the severity that belongs to it", () => {
    const found = referenceCodes().map((code) => [code, referencePage(code).severity]);
    expect(Object.fromEntries(found)).toEqual(severities);
  });

  test.each(Object.keys(severities))("%s answers the five questions", (code) => {
    const headings = [...referencePage(code).text.matchAll(/^## (.*)$/gm)].map((match) => match[1]);
    expect(headings).toEqual([
      "What it means",
      "How it shows",
      "Why",
      "How to fix it",
      "What the tool does not see",
    ]);
  });

  test.each(Object.keys(severities))("%s mentions only codes that exist, and cites a source", (code) => {
    const { text } = referencePage(code);
    expect(text).toMatch(/\b[A-Z]{1,2}-?\d+\b/);
    const codes = [...Object.keys(severities), ...words];
    for (const [, named] of text.matchAll(/`([a-z]+(?:-[a-z]+)+)`/g)) expect(codes).toContain(named);
  });
});

describe("dmabuf explain", () => {
  test("prints pages as they are, one after the other", async () => {
    const { status, stdout } = await run(["explain", "leak", "deadlock"]);
    expect(status).toBe(0);
    expect(stdout).toBe(`${referencePage("leak").text}\n${referencePage("deadlock").text}`);
  });

  test("lists the codes", async () => {
    const { stdout } = await run(["explain"]);
    for (const [code, severity] of Object.entries(severities)) {
      expect(stdout).toMatch(new RegExp(`^${code} +${severity} +\\S`, "m"));
    }
    const lines = (await run(["explain", "--format", "json"])).stdout.trimEnd().split("\n");
    const listed = lines.map((line) => JSON.parse(line) as { code: string; severity: string });
    expect(Object.fromEntries(listed.map(({ code, severity }) => [code, severity]))).toEqual(severities);
  });

  test("prints JSON, and reads codes from standard input", async () => {
    const { stdout } = await run(["explain", "--format", "json", "-"], { stdin: "leak\nstale-read\n" });
    const pages = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    expect(pages).toEqual([referencePage("leak"), referencePage("stale-read")]);
  });
});
