// SPDX-License-Identifier: MIT
// Everything that must hold before a commit: `pnpm check` runs all steps, `pnpm check types unit` those, `pnpm lint` the
// quick ones. Two steps run at a time; a step's output appears in one piece when it ends.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Written by scripts/vitest-counts.mjs: the line `N passed, N failed, N skipped`. */
const countsFile = join(root, "node_modules/.cache/dmabuf/counts.txt");

/** In the order in which they are started; `after` names a step that must have passed. */
const steps = [
  { name: "build", command: "node scripts/build.mjs" },
  { name: "fields", command: "node scripts/package-fields.mjs --check" },
  { name: "format", command: "biome check --error-on-warnings ." },
  { name: "types", command: "tsc -p tsconfig.tests.json && tsc -p tsconfig.examples.json" },
  { name: "unit", command: "vitest run --isolate=false --pool=threads", after: "build" },
  { name: "headers", command: "node scripts/check-headers.mjs" },
  { name: "processes", command: "node scripts/check-processes.mjs" },
  { name: "architecture", command: "node scripts/check-architecture.mjs" },
  { name: "unused", command: "knip" },
  { name: "packages", command: "node scripts/check-packages.mjs", after: "build" },
  { name: "size", command: "size-limit", after: "build" },
  { name: "reference", command: "node scripts/check-reference.mjs" },
];

const groups = { lint: ["fields", "format", "headers", "types", "processes"] };
const asked = process.argv.slice(2).flatMap((word) => groups[word] ?? [word]);
const unknown = asked.filter((word) => !steps.some(({ name }) => name === word));
if (unknown.length > 0) {
  const names = [...Object.keys(groups), ...steps.map(({ name }) => name)].join(", ");
  console.error(`no step is called ${unknown.join(", ")}; there are ${names}`);
  process.exit(2);
}

const waiting = steps.filter(({ name }) => asked.length === 0 || asked.includes(name));
const running = new Map();
/** How each step ended: passed, failed, or not run because what it needs failed. */
const results = new Map();
const env = {
  ...process.env,
  PATH: [join(root, "node_modules/.bin"), process.env["PATH"]].join(delimiter),
  ...(process.stdout.isTTY && !process.env["NO_COLOR"] ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" }),
};

function start({ name, command }) {
  const began = performance.now();
  const child = spawn(command, { cwd: root, env, shell: true, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (data) => (output += data));
  child.stderr.on("data", (data) => (output += data));
  running.set(name, child);
  child.on("close", (code) => {
    running.delete(name);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    results.set(name, { passed: code === 0, seconds, output });
    console.log(`== ${name}: ${code === 0 ? "passed" : "FAILED"} in ${seconds} s: ${command}`);
    if (output.trim() !== "") console.log(output.trimEnd());
    next();
  });
}

function next() {
  for (const step of [...waiting]) {
    if (running.size >= 2) return;
    const needed = results.get(step.after);
    const pending = running.has(step.after) || waiting.some(({ name }) => name === step.after);
    if (step.after !== undefined && needed === undefined && pending) continue;
    waiting.splice(waiting.indexOf(step), 1);
    if (needed === undefined || needed.passed) start(step);
    else results.set(step.name, { passed: false, seconds: "0", missing: step.after });
  }
  if (running.size === 0 && waiting.length === 0) finish();
}

function finish() {
  const failed = [...results].filter(([, { passed }]) => !passed);
  console.log("==");
  for (const [name, { passed, seconds, missing }] of results)
    console.log(
      `${passed ? "passed " : "FAILED "} ${seconds.padStart(6)} s  ${name}${missing ? `: not run, ${missing} failed` : ""}`,
    );
  // Whoever reads the end of a long log sees why, not only what.
  for (const [name, { output }] of failed)
    if (output?.trim()) console.log(`== ${name}:\n${output.trimEnd().split("\n").slice(-30).join("\n")}`);
  if (existsSync(countsFile)) console.log(readFileSync(countsFile, "utf8").trim());
  process.exitCode = failed.length > 0 ? 1 : 0;
}

for (const signal of ["SIGINT", "SIGTERM"])
  process.on(signal, () => {
    for (const child of running.values()) child.kill();
    process.exit(1);
  });
rmSync(countsFile, { force: true });
next();
