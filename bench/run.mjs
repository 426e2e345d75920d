// SPDX-License-Identifier: MIT
import { existsSync, readdirSync, statSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { measure } from "./measure.mjs";
import { format } from "./table.mjs";

const help = `usage: pnpm bench [WORKLOAD...] [options]

Measures core's build against peers built beside it, each program in a process of its own, in turn, by CPU time.

  --rounds N   rounds in which every program runs once (default 5)
  --json       one JSON object instead of tables
  --check      exit status 1 when a floor is not met
  --core DIR   measure the build of core in DIR instead of packages/core/dist
  --list       print the workloads and what they measure
  --help       print this

Exit status 1 when a program fails or programs that do the same work give different results, 2 on bad input or when core is not built.
Example: pnpm bench interval-map --rounds 3
`;

const here = fileURLToPath(new URL(".", import.meta.url));
const known = readdirSync(join(here, "workload"))
  .map((file) => file.replace(/\.mjs$/, ""))
  .sort();

function fail(reason) {
  console.error(`bench: ${reason}`);
  process.exit(2);
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: "string", default: "5" },
        json: { type: "boolean", default: false },
        check: { type: "boolean", default: false },
        core: { type: "string", default: join(here, "../packages/core/dist") },
        list: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    return fail(error.message);
  }
}

/** Modification time of the newest file below a directory that ends in `ending`. */
function newest(directory, ending) {
  const files = readdirSync(directory, { recursive: true }).filter((file) => file.endsWith(ending));
  return Math.max(...files.map((file) => statSync(join(directory, file)).mtimeMs));
}

const { values: options, positionals } = parse();
if (options.help) {
  process.stdout.write(help);
  process.exit(0);
}
const names = positionals.length > 0 ? [...new Set(positionals)] : known;
const unknown = names.find((name) => !known.includes(name));
if (unknown !== undefined) fail(`no workload "${unknown}": ${known.join(", ")}`);
const workloads = await Promise.all(
  names.map(async (name) => [name, await import(new URL(`workload/${name}.mjs`, import.meta.url).href)]),
);
if (options.list) {
  for (const [name, { title }] of workloads) console.log(`${name.padEnd(16)} ${title}`);
  process.exit(0);
}
const rounds = Number(options.rounds);
if (!(Number.isInteger(rounds) && rounds >= 1))
  fail(`--rounds ${options.rounds} is not a whole number from 1 on`);
const coreDirectory = resolve(options.core);
if (!existsSync(join(coreDirectory, "coherency.js")))
  fail(`core is not built in "${options.core}": run pnpm build`);
if (newest(join(here, "../packages/core/src"), ".ts") > newest(coreDirectory, ".js")) {
  console.error("bench: core's sources are newer than its build: run pnpm build to measure what is written");
}

const progress = (line) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
};
// What else the machine did is part of the result: CPU time does not see who waits, but caches and memory are shared.
const load = loadavg()[0];
const measured = [];
let failed = false;
for (const [name, workload] of workloads) {
  try {
    const result = measure(name, workload, { rounds, coreDirectory, progress });
    progress("");
    measured.push(result);
    if (!options.json) console.log(`${format(result)}\n`);
  } catch (error) {
    progress("");
    console.error(`bench: ${name}: ${error.message}`);
    failed = true;
  }
}
const machine = {
  node: process.version,
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cpus: cpus().length,
  load_before: load,
};
if (options.json) console.log(JSON.stringify({ machine, rounds, workloads: measured }, null, 2));
else {
  const times = rounds === 1 ? "round" : "rounds";
  console.log(
    `medians of ${rounds} ${times}, CPU time; Node ${machine.node} on ${machine.cpus} x ${machine.cpu}, ` +
      `load average before ${load.toFixed(1)}`,
  );
}

const missed = measured.some(({ rows }) => rows.some(({ verdict }) => verdict === "not met"));
const differ = measured.some(({ disagreements = [] }) => disagreements.length > 0);
process.exitCode = failed || differ || (options.check && missed) ? 1 : 0;
