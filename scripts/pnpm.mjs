// SPDX-License-Identifier: MIT
// The pinned pnpm, for scripts that are run with and without it on the path.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Runs pnpm in the root: the one that started this process, else the pinned one as npm fetches it.
 * @param {string[]} words
 * @param {string} [folder] where to run it; default the root
 * @returns {string} what it printed; throws with all of it when pnpm fails
 */
export function pnpm(words, folder = root) {
  const { packageManager } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  const started = (process.env["npm_config_user_agent"] ?? "").startsWith(
    `${packageManager.replace("@", "/")} `,
  );
  const [command = "", ...prefix] = started
    ? ["pnpm"]
    : ["npm", "exec", "--yes", `--package=${packageManager}`, "--", "pnpm"];
  const { status, stdout, stderr, error } = spawnSync(command, [...prefix, ...words], {
    cwd: folder,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`pnpm ${words.join(" ")} failed:\n${stdout}${stderr}${error ?? ""}`);
  return stdout;
}
