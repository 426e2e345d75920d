// SPDX-License-Identifier: MIT
// The room rules of .dependency-cruiser.mjs over the whole tree: one line a violation, exit status 1 if there is any.
// `node scripts/check-architecture.mjs [FOLDER]`
import { existsSync } from "node:fs";
import { join } from "node:path";
import { argv, exit } from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { cruise } from "dependency-cruiser";
import configuration from "../.dependency-cruiser.mjs";

const roots = ["packages", "examples", "bench", "tests"];

/**
 * Cruises a workspace.
 * @param {string} baseDir the folder that holds packages/
 * @returns {Promise<{ modules: number, violations: { rule: string, from: string, to: string }[] }>}
 */
export async function cruiseWorkspace(baseDir) {
  const { options, forbidden } = configuration;
  const { enhancedResolveOptions, ...rest } = options;
  const { output } = await cruise(
    roots.filter((name) => existsSync(join(baseDir, name))),
    { ...rest, baseDir, validate: true, ruleSet: { forbidden } },
    enhancedResolveOptions,
  );
  if (typeof output === "string") throw new TypeError("dependency-cruiser answered text, not a result");
  return {
    // Without a TypeScript it can use, the tool sees no .ts file and finds nothing wrong with that.
    modules: output.modules.filter(({ source }) => source.endsWith(".ts") && source.startsWith("packages/"))
      .length,
    violations: output.summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to })),
  };
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  const { modules, violations } = await cruiseWorkspace(
    argv[2] ?? fileURLToPath(new URL("..", import.meta.url)),
  );
  for (const { rule, from, to } of violations) console.error(`${rule}: ${from} -> ${to}`);
  if (modules === 0)
    console.error("no TypeScript module was cruised: is the typescript package (version 6) installed?");
  if (modules === 0 || violations.length > 0) exit(1);
  console.log(`${modules} modules keep the room rules`);
}
