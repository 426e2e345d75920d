// SPDX-License-Identifier: MIT
// One program of one workload in a process of its own: node program.mjs WORKLOAD PROGRAM CORE-DIRECTORY.
// Prints its result as one line of JSON.
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";

/** The engine goes on compiling the module loader for a while, in the background; that is not the program's time. */
const LOADER_MS = 200;

const [workload, program, directory] = process.argv.slice(2);
const entry = (name) => import(pathToFileURL(`${directory}/${name}.js`).href);
const core = {
  ...(await entry("index")),
  ...(await entry("coherency")),
  ...(await entry("sync")),
  ...(await entry("sim")),
  ...(await entry("iommu")),
};
const { programs } = await import(new URL(`workload/${workload}.mjs`, import.meta.url).href);
await setTimeout(LOADER_MS);
process.stdout.write(`${JSON.stringify(await programs[program].run(core))}\n`);
