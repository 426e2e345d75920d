// SPDX-License-Identifier: MIT
// Runs the programs named on the command line one after the other in one process, each in its own folder, and prints what each
// printed as one line of JSON: `{ "file", "status", "output" }`. Loading the packages once is most of what a program takes.
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";

const print = process.stdout.write.bind(process.stdout);
let output = "";
const collect = (text) => {
  output += text;
  return true;
};
process.stdout.write = collect;
process.stderr.write = collect;

for (const file of process.argv.slice(2)) {
  output = "";
  let status = 0;
  process.chdir(dirname(file));
  try {
    await import(pathToFileURL(file).href);
  } catch (error) {
    status = 1;
    output += `${error instanceof Error ? error.stack : String(error)}\n`;
  }
  status ||= Number(process.exitCode ?? 0);
  process.exitCode = 0;
  print(`${JSON.stringify({ file, status, output })}\n`);
}
