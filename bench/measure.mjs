// SPDX-License-Identifier: MIT
// Runs a workload's programs in turn, each in a process of its own, and compares them round by round.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { buildPeer } from "./peers/build.mjs";

/** Throws `Error` with what the program printed when it fails. */
function runProgram(command, words) {
  const { status, stdout, stderr, error } = spawnSync(command, words, {
    encoding: "utf8",
    maxBuffer: 2 ** 30,
    env: { ...process.env, SYSTEMC_DISABLE_COPYRIGHT_MESSAGE: "1" },
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${[command, ...words].join(" ")} failed:\n${stderr}`);
  return JSON.parse(stdout);
}

/** Why each program that cannot run is skipped, and how to run the others. */
function prepare(name, programs, coreDirectory) {
  const script = fileURLToPath(new URL("program.mjs", import.meta.url));
  const skipped = {};
  const commands = {};
  for (const [program, { peer, options, nodeOptions = [] }] of Object.entries(programs)) {
    if (peer === undefined) {
      commands[program] = () =>
        runProgram(process.execPath, [...nodeOptions, script, name, program, coreDirectory]);
      continue;
    }
    const built = buildPeer(peer);
    if (built.skipped !== undefined) skipped[program] = built.skipped;
    else {
      const words = Object.entries(options).flatMap(([option, value]) => [`--${option}`, String(value)]);
      commands[program] = () => runProgram(built.binary, words);
    }
  }
  return { skipped, commands };
}

/**
 * Measures a workload: `rounds` rounds, in each of which every program runs once. `progress` is called before each run.
 * The answer's ratios are medians of the rounds' ratios, so that a machine that slows down for a while slows both sides.
 */
export function measure(name, workload, { rounds, coreDirectory, progress }) {
  const { skipped, commands } = prepare(name, workload.programs, coreDirectory);
  const results = [];
  for (let round = 1; round <= rounds; round++) {
    const result = {};
    for (const [program, run] of Object.entries(commands)) {
      progress(`${name}: round ${round} of ${rounds}, ${program}`);
      result[program] = run();
    }
    results.push(result);
  }
  // Nothing can differ where one program ran alone.
  const check = Object.keys(commands).length > 1 ? workload.disagreements : undefined;
  return {
    name,
    title: workload.title,
    unit: workload.unit ?? "ms",
    rows: workload.rows.map((row) => compare(row, results)),
    notes: workload.notes?.(results[0]) ?? [],
    disagreements: check && [...new Set(results.flatMap(check))],
    skipped,
  };
}

/** `compare` is how often we are `faster`, how much of the peer's `time` we take, or our `value` alone. */
function compare(row, results) {
  const { label, ours = "ours", peers = [], value = ({ cpu_ms }) => cpu_ms, floor, goal } = row;
  const present = peers.filter((peer) => results[0][peer] !== undefined);
  if (results[0][ours] === undefined || (peers.length > 0 && present.length === 0))
    return { label, compare: row.compare, floor, goal, verdict: "skipped" };
  const values = results.map((result) => value(result[ours]));
  // Of several peers the fastest counts.
  const peerValues = results.map((result) => Math.min(...present.map((peer) => value(result[peer]))));
  const ratios = values.map((our, i) => {
    if (row.compare === "value") return our;
    return row.compare === "faster" ? peerValues[i] / our : our / peerValues[i];
  });
  const ratio = { median: median(ratios), low: Math.min(...ratios), high: Math.max(...ratios) };
  const peer = present.length === 0 ? undefined : median(peerValues);
  const verdict = judge(ratio.median, row);
  return { label, ours: median(values), peer, compare: row.compare, ratio, floor, goal, verdict };
}

function judge(ratio, { compare: kind, floor, goal }) {
  const reaches = (bound) => (kind === "faster" ? ratio >= bound : ratio <= bound);
  if (floor === undefined) return "no bound";
  if (goal !== undefined && reaches(goal)) return "goal met";
  return reaches(floor) ? "met" : "not met";
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
