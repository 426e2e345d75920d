// SPDX-License-Identifier: MIT
// `npm start` and `npm test`: fetches the pinned pnpm, installs with the frozen lockfile, runs one script of the root.
// The demo installs what the command needs and no development tool: a cold start is then a matter of seconds.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path) => (existsSync(root + path) ? readFileSync(root + path, "utf8") : null);
const { packageManager, engines } = JSON.parse(read("package.json"));
const [task = "check", ...rest] = process.argv.slice(2);

const oldest = engines.node.replace(/[^\d.]/g, "");
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const [oldestMajor = 0, oldestMinor = 0] = oldest.split(".").map(Number);
if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
  console.error(`Node ${oldest} or newer is needed; this is ${process.versions.node}`);
  process.exit(2);
}

const quote = (word) => `"${word.replaceAll(/["\\$`]/g, "\\$&")}"`;

/** Runs a shell command with the pinned pnpm on its path and ends with its status when it fails. */
function withPnpm(command) {
  const { status } = spawnSync("npm", ["exec", "--yes", `--package=${packageManager}`, "-c", command], {
    cwd: root,
    stdio: "inherit",
    env: {
      ...process.env,
      npm_config_loglevel: "error",
      npm_config_update_notifier: "false",
      PNPM_CONFIG_UPDATE_NOTIFIER: "false",
    },
  });
  if (status !== 0) process.exit(status ?? 1);
}

/** A developer's installation has everything; installing less would take it away. */
const everything =
  task !== "demo" || (read("node_modules/.modules.yaml") ?? "").includes('"devDependencies": true');
const scope = everything ? "" : " --prod --filter @dmabuf/cli...";
const stamp = "node_modules/.dmabuf-installed";
const wanted = createHash("sha256")
  .update(`${scope}\n${read("pnpm-lock.yaml")}`)
  .digest("hex");

if (task === "demo" && read(stamp) === wanted && existsSync(`${root}packages/cli/node_modules`)) {
  // Nothing to install, so no package manager is needed either.
  const { demo } = JSON.parse(read("package.json")).scripts;
  const [command, ...words] = [...demo.split(" "), ...rest];
  const { status } = spawnSync(`${root}node_modules/.bin/${command}`, words, { cwd: root, stdio: "inherit" });
  process.exit(status ?? 1);
}

console.error(
  `installing ${everything ? "everything" : "what the demo needs"} (pnpm-lock.yaml, ${packageManager})`,
);
withPnpm(`pnpm install --frozen-lockfile --silent${scope}`);
writeFileSync(root + stamp, wanted);
withPnpm(`pnpm --silent run ${task} ${rest.map(quote).join(" ")}`);
