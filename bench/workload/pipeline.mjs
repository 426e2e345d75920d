// SPDX-License-Identifier: MIT

import { NV12_4K } from "../frame-pipeline.mjs";
import { analyse } from "../pipeline-run.mjs";
import { missedStaleReads } from "../stale-reads.mjs";

const frames = 1000;
/** As many as show the time a frame; the log of operations would be long with more. */
const lineByLineFrames = 100;

export const title =
  "pipeline: 1000 frames of 4K NV12 on scattered pages, state only, against SystemC TLM-2.0";

export const programs = {
  ours: { run: (core) => analyse(core, { frames, bytes: NV12_4K }) },
  "ours, line by line": {
    run: (core) => analyse(core, { frames: lineByLineFrames, bytes: NV12_4K, lineByLine: true }),
  },
  "TLM 64 B": { peer: "tlm-pipeline", options: { frames, burst: 64 } },
  "TLM 4 KiB": { peer: "tlm-pipeline", options: { frames, burst: 4096 } },
  "TLM 4 KiB, free sync": { peer: "tlm-pipeline", options: { frames, burst: 4096, sync: "free" } },
};

const value = ({ cpu_ms, frames: count }) => cpu_ms / count;

export const unit = "ms a frame";
export const rows = [
  { label: "64-byte transactions", peers: ["TLM 64 B"], value, compare: "faster", floor: 30, goal: 60 },
  { label: "4 KiB bursts", peers: ["TLM 4 KiB"], value, compare: "faster", floor: 7, goal: 14 },
  {
    label: "4 KiB bursts, sync free",
    peers: ["TLM 4 KiB, free sync"],
    value,
    compare: "faster",
    floor: 3,
    goal: 6,
  },
  {
    label: "4 KiB bursts; we: an operation a sampled line",
    ours: "ours, line by line",
    peers: ["TLM 4 KiB"],
    value,
    compare: "faster",
  },
];

/** How much the one execution shows of what can happen. */
export function notes({ ours, "TLM 4 KiB": peer }) {
  const findings = Object.entries(ours.findings).map(([code, count]) => `${count} ${code}`);
  const told = [
    `findings: ${findings.join(", ")}; lines that can be read stale: ${lineCount(ours.stale_reads)}`,
  ];
  if (peer !== undefined)
    told.push(`lines that the peer's one execution reads stale: ${lineCount(peer.stale_reads)}`);
  return told;
}

/**
 * The peers show the same execution, each of its stale reads is among our findings, and single lines give the same
 * findings as lists of them.
 */
export function disagreements({ ours, "ours, line by line": lineByLine, ...peers }) {
  const shown = Object.entries(peers);
  const missed = [
    ...shown.map(([name, { stale_reads }]) => [name, missedStaleReads(stale_reads, ours.stale_reads)]),
    ["a sample of several lines", missedStaleReads(beginning(ours.stale_reads), lineByLine.stale_reads)],
    ["a sample of one line", missedStaleReads(lineByLine.stale_reads, ours.stale_reads)],
  ];
  return [
    ...missed
      .filter(([, reads]) => reads.length > 0)
      .map(([name, reads]) => `${name} shows ${reads.length} stale reads that we miss, first ${reads[0]}`),
    ...shown
      .filter(([, { checksum }]) => checksum !== shown[0][1].checksum)
      .map(([name]) => `${name} and ${shown[0][0]} differ from each other`),
  ];
}

const lineCount = (staleReads) => staleReads.reduce((sum, [, , , lines]) => sum + lines, 0);
const beginning = (staleReads) => staleReads.filter(([frame]) => frame < lineByLineFrames);
