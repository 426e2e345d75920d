// SPDX-License-Identifier: MIT
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

// A rule number that somebody meets in a comment, a message or a page can be looked up in docs/rules.md.

const repository = fileURLToPath(new URL("..", import.meta.url));

/**
 * `B-51`, and of a table `G.2`; the developers' requirements have no hyphen: `D41`. `(1.15)` is the locking table. `D8.3` is a
 * section of Arm's manual.
 */
const numbered = "(?:B2|DB|FF|IF|IO|OA|OI|PR|RD|VF|[ABDFGHILMNPRSTUX])-\\d{1,2}";
const citation = new RegExp(
  `(?<![\\w-])(?:${numbered}|G\\.\\d|D\\d{1,2}(?!\\.\\d))(?![\\w-])|(?<=\\()1\\.15(?=\\))`,
  "g",
);
/** `A-1 to A-7` and `D40 to D45`: all of them are cited. */
const span = /(?<![\w-])([A-Z]+-?)(\d+)(?: to |\.\.)\1(\d+)(?![\w-])/g;

function cited(text: string): string[] {
  const found: string[] = [...(text.match(citation) ?? [])];
  for (const [, series = "", first, last] of text.matchAll(span))
    for (let rule = Number(first); rule <= Number(last); rule++) found.push(`${series}${rule}`);
  return found;
}

const textsBelow = (folder: string): string[] =>
  !existsSync(folder)
    ? []
    : readdirSync(folder, { withFileTypes: true, recursive: true })
        .filter((entry) => entry.isFile() && /\.(ts|mjs|md|yaml)$/.test(entry.name))
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((path) => !path.includes("node_modules"));

const packages = join(repository, "packages");
const files = [
  ...readdirSync(packages).flatMap((name) => [
    ...["src", "test", "reference"].flatMap((folder) => textsBelow(join(packages, name, folder))),
    ...[join(packages, name, "README.md")].filter(existsSync),
  ]),
  ...["examples", "docs", "scripts/templates"].flatMap((folder) => textsBelow(join(repository, folder))),
].filter((path) => relative(repository, path) !== join("docs", "rules.md"));

const rows = readFileSync(join(repository, "docs/rules.md"), "utf8")
  .split("\n")
  .flatMap((line) => {
    const [, rule, text, sure] = /^\| (\S*\d) \| (.*) \| (.*) \|$/.exec(line) ?? [];
    return rule === undefined ? [] : [{ rule, text, sure }];
  });
const listed = new Set(rows.map(({ rule }) => rule));

test("every rule that is cited is in docs/rules.md", () => {
  expect(files.length).toBeGreaterThan(100);
  const missing = files.flatMap((path) =>
    [...new Set(cited(readFileSync(path, "utf8")))]
      .filter((rule) => !listed.has(rule))
      .map((rule) => `${rule} (${relative(repository, path)})`),
  );
  expect(missing).toEqual([]);
});

test("each is there once, says something, and says how sure it is", () => {
  expect(rows.length).toBe(listed.size);
  const known = ["recorded", "read twice", "read", "newer", "discussed", "general", "ours"];
  for (const { rule, text, sure } of rows) {
    expect(text, rule).toMatch(/^\S.*[.:]?$/);
    expect(known, rule).toContain(sure);
  }
});

test("citations are found", () => {
  expect(cited("as F-3 and (B-51), A-1 to A-3, D40 to D42; Cortex-A53, UTF-8, 0xB-1x, E-5, CVE-2")).toEqual([
    "F-3",
    "B-51",
    "A-1",
    "A-3",
    "D40",
    "D42",
    "A-1",
    "A-2",
    "A-3",
    "D40",
    "D41",
    "D42",
  ]);
  expect(cited("the reservation held (1.15), R-2..R-4")).toEqual(["1.15", "R-2", "R-4", "R-2", "R-3", "R-4"]);
});
