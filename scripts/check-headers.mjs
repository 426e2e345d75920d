// SPDX-License-Identifier: MIT
// Every source file begins with its licence: `SPDX-License-Identifier: MIT` on the first line, or on the second after a
// `#!` line.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const comments = [
  [/\.(ts|mts|js|mjs|c|h|cc|cpp|hpp)$/, "//"],
  [/\.(sh|py|s)$|^run$/, "#"],
];
/** What git tracks or would add: a temporary file that a build writes meanwhile is ignored by name. */
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], {
  cwd: root,
  encoding: "utf8",
  maxBuffer: 2 ** 26,
})
  .split("\0")
  .filter((path) => path !== "" && existsSync(join(root, path)));

const wrong = [];
let sources = 0;
for (const path of files) {
  const comment = comments.find(([pattern]) => pattern.test(path.slice(path.lastIndexOf("/") + 1)))?.[1];
  if (comment === undefined) continue;
  sources += 1;
  const [first = "", second = ""] = readFileSync(join(root, path), "utf8").split("\n", 2);
  if ((first.startsWith("#!") ? second : first) !== `${comment} SPDX-License-Identifier: MIT`)
    wrong.push(path);
}
for (const path of wrong)
  console.error(`${path}: the first line is not \`SPDX-License-Identifier: MIT\` in a comment`);
if (sources === 0) console.error("no source file was found");
if (sources === 0 || wrong.length > 0) process.exit(1);
console.log(`${sources} source files name their licence`);
