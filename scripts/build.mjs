// SPDX-License-Identifier: MIT
// Builds every package from nothing, so that no file of a deleted source is left in a tarball: declarations by
// `tsc -b`, JavaScript by tsup, two packages at a time.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const env = { ...process.env, PATH: [join(root, "node_modules/.bin"), process.env["PATH"]].join(delimiter) };
const packages = readdirSync(join(root, "packages")).filter((name) =>
  existsSync(join(root, "packages", name, "tsup.config.ts")),
);

/** Runs one tool; its output is shown only when it fails. */
const run = (command, words, folder) =>
  new Promise((resolve) => {
    const child = spawn(command, words, { cwd: join(root, folder), env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));
    child.on("error", (error) => (output += error.message));
    child.on("close", (code) => {
      if (code !== 0)
        console.error(`${folder || "."}: ${command} ${words.join(" ")} failed\n${output.trimEnd()}`);
      resolve(code === 0);
    });
  });

for (const name of packages) rmSync(join(root, "packages", name, "dist"), { recursive: true, force: true });
let passed = await run("tsc", ["-b"], "");
if (passed) {
  const queue = [...packages];
  const worker = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift())
      passed = (await run("tsup", ["--silent"], join("packages", name))) && passed;
  };
  await Promise.all([worker(), worker()]);
}
if (!passed) process.exit(1);
console.log(`built ${packages.length} packages`);
