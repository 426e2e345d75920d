// SPDX-License-Identifier: MIT
// Every source file begins with its licence: `SPDX-License-Identifier: MIT` on the first line, or on the second after a
// `#!` line.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const comments = [
  [/\.(ts|mts|js|mjs|c|h|cc|cpp|hpp)$/, "//"],
  [/\.(sh|py|s)$|^run$/, "#"],
];
const skipped = new Set(["node_modules", "dist", "coverage", "api", ".git", ".cache", "build"]);

/** @param {string} folder @returns {string[]} */
const filesBelow = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : filesBelow(path);
    return entry.isFile() ? [path] : [];
  });

const wrong = [];
let sources = 0;
for (const path of filesBelow(root)) {
  const comment = comments.find(([pattern]) => pattern.test(path.slice(path.lastIndexOf("/") + 1)))?.[1];
  if (comment === undefined) continue;
  sources += 1;
  const [first = "", second = ""] = readFileSync(path, "utf8").split("\n", 2);
  if ((first.startsWith("#!") ? second : first) !== `${comment} SPDX-License-Identifier: MIT`)
    wrong.push(relative(root, path));
}
for (const path of wrong)
  console.error(`${path}: the first line is not \`SPDX-License-Identifier: MIT\` in a comment`);
if (sources === 0) console.error("no source file was found");
if (sources === 0 || wrong.length > 0) process.exit(1);
console.log(`${sources} source files name their licence`);
