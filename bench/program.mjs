// SPDX-License-Identifier: MIT
// One program of one workload in a process of its own: node program.mjs WORKLOAD PROGRAM CORE-DIRECTORY.
// Prints its result as one line of JSON.
import { pathToFileURL } from "node:url";

const [workload, program, directory] = process.argv.slice(2);
const entry = (name) => import(pathToFileURL(`${directory}/${name}.js`).href);
const core = { ...(await entry("index")), ...(await entry("coherency")) };
const { programs } = await import(new URL(`workload/${workload}.mjs`, import.meta.url).href);
process.stdout.write(`${JSON.stringify(programs[program].run(core))}\n`);
