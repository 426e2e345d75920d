// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

// The index of findings lists every code there is, with the severity that its reference page gives.

const repository = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string) => readFileSync(join(repository, path), "utf8");
const reference = "packages/cli/reference";

const listed = [...read("docs/findings.md").matchAll(/^\| \[([\w-]+)\]\((\S+)\) \| (\w+) \|/gm)].map(
  ([, code, link, severity]) => ({ code, link, severity }),
);

test("lists exactly the codes that a run can find, in their order", () => {
  const source = /findingCodes = \[([^\]]*)\] as const/.exec(read("packages/core/src/check/finding.ts"))?.[1];
  const codes = source?.match(/[\w-]+/g);
  expect(codes?.length).toBeGreaterThan(10);
  expect(listed.map(({ code }) => code)).toEqual(codes);
});

test("links to the page of each, and gives its severity", () => {
  const pages = readdirSync(join(repository, reference)).map((name) => name.replace(/\.md$/, ""));
  expect(listed.map(({ code }) => code).sort()).toEqual(pages.sort());
  for (const { code, link, severity } of listed) {
    expect(link).toBe(`../${reference}/${code}.md`);
    expect(read(`${reference}/${code}.md`)).toContain(`# ${code}\n\n**${severity}**: `);
  }
});
