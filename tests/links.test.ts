// SPDX-License-Identifier: MIT
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

// A relative link in a Markdown page names a file that is there, and a heading in it; the book links every page it has.

const repository = fileURLToPath(new URL("..", import.meta.url));
const skipped = new Set(["node_modules", "dist", "coverage", "api", "templates", "test", "test-results"]);

const pagesBelow = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith(".") || skipped.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? pagesBelow(path) : entry.name.endsWith(".md") ? [path] : [];
  });
const pages = pagesBelow(repository);

/** A page without its code, in which a bracket is no link. */
const prose = (path: string): string =>
  readFileSync(path, "utf8")
    .replace(/^(\s*)(`{3,})[\s\S]*?^\s*\2\s*$/gm, "")
    .replace(/`[^`\n]*`/g, "code");

/** The anchors of a page's headings, as GitHub makes them. */
const anchors = (path: string): Set<string> =>
  new Set(
    [...readFileSync(path, "utf8").matchAll(/^#+ +(.+)$/gm)].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );

const linksOf = (page: string): string[] =>
  [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((link) => !/^[a-z]+:/.test(link));

test("every relative link leads somewhere", () => {
  const broken: string[] = [];
  for (const page of pages) {
    for (const link of linksOf(page)) {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? page : join(dirname(page), decodeURI(path));
      const found = existsSync(target) && (anchor === undefined || anchors(target).has(anchor));
      if (!found) broken.push(`${relative(repository, page)}: ${link}`);
    }
  }
  expect(pages.length).toBeGreaterThan(5);
  expect(broken).toEqual([]);
});

test("the book's table of contents has every page of the book", () => {
  const book = join(repository, "docs");
  const linked = [join(book, "README.md"), join(book, "decisions/README.md")].flatMap((page) =>
    linksOf(page).map((link) => join(dirname(page), link.split("#")[0] ?? "")),
  );
  const missing = pagesBelow(book).filter(
    (page) => page !== join(book, "README.md") && !linked.includes(page),
  );
  expect(missing.map((page) => relative(book, page))).toEqual([]);
});
