// SPDX-License-Identifier: MIT
// Builds the peers with g++ -O2 into build/ (or $CXX), again when a source is newer: node peers/build.mjs [PEER...].
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const compiler = process.env.CXX ?? "g++";
const flags = ["-O2", "-std=c++17"];

/** What each peer needs besides a compiler. */
const peers = {
  fence: { libraries: [] },
  "interval-map": {
    header: "boost/icl/interval_map.hpp",
    needs: "Boost (Debian: libboost-dev)",
    libraries: [],
  },
  iova: { libraries: [] },
  "memory-copy": { libraries: [] },
  "page-table": { libraries: [] },
  scatterlist: { libraries: [] },
  "timed-wait": { header: "systemc", needs: "SystemC (Debian: libsystemc-dev)", libraries: ["-lsystemc"] },
  "tlm-pipeline": { header: "systemc", needs: "SystemC (Debian: libsystemc-dev)", libraries: ["-lsystemc"] },
  "ww-mutex": { libraries: [] },
};

/**
 * Builds a peer unless it is up to date. Gives its `binary`, or why it is `skipped` when something is not installed.
 * Throws `Error` with the compiler's words when the source does not compile.
 */
export function buildPeer(name) {
  const { header, needs, libraries } = peers[name];
  const binary = join(here, "build", name);
  if (existsSync(binary) && statSync(binary).mtimeMs >= newestSource()) return { binary };
  if (spawnSync(compiler, ["--version"]).status !== 0) return { skipped: `${compiler} is not installed` };
  if (header !== undefined && !hasHeader(header)) return { skipped: `${needs} is not installed` };
  mkdirSync(join(here, "build"), { recursive: true });
  const { status, stderr } = spawnSync(
    compiler,
    [...flags, join(here, `${name}.cpp`), "-o", binary, ...libraries],
    {
      encoding: "utf8",
    },
  );
  if (status !== 0) throw new Error(`${compiler} cannot build peers/${name}.cpp:\n${stderr}`);
  return { binary };
}

function hasHeader(header) {
  const input = `#include <${header}>\n`;
  return spawnSync(compiler, [...flags, "-fsyntax-only", "-x", "c++", "-"], { input }).status === 0;
}

function newestSource() {
  const sources = readdirSync(here, { recursive: true }).filter((path) => /\.(cpp|h)$/.test(path));
  return Math.max(...sources.map((path) => statSync(join(here, path)).mtimeMs));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(peers);
  const unknown = names.find((name) => !Object.hasOwn(peers, name));
  if (unknown !== undefined) {
    console.error(`build: no peer "${unknown}": ${Object.keys(peers).join(", ")}`);
    process.exit(2);
  }
  for (const name of names) {
    const { skipped } = buildPeer(name);
    console.log(`${name}: ${skipped === undefined ? "built" : `skipped, ${skipped}`}`);
  }
}
