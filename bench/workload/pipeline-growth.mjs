// SPDX-License-Identifier: MIT

import { analyse } from "../pipeline-run.mjs";
import { missedStaleReads } from "../stale-reads.mjs";

const MIB = 2 ** 20;
const frames = 500;
/** A frame of the peer is much the same as the next, and it is slow. */
const peerFrames = 20;

const peer = (bytes) => ({ peer: "tlm-pipeline", options: { frames: peerFrames, "frame-bytes": bytes } });

export const title =
  "pipeline growth: 8 times the frame size, the CPU's work and the scatter of the pages unchanged";

export const programs = {
  "8 MiB": { run: (core) => analyse(core, { frames, bytes: 8 * MIB }) },
  "64 MiB": { run: (core) => analyse(core, { frames, bytes: 64 * MIB }) },
  "TLM 4 KiB, 8 MiB": peer(8 * MIB),
  "TLM 4 KiB, 64 MiB": peer(64 * MIB),
};

const value = ({ cpu_ms, frames: count }) => cpu_ms / count;

export const unit = "ms a frame";
export const rows = [
  { label: "ours: 64 MiB against 8 MiB", ours: "64 MiB", peers: ["8 MiB"], value, compare: "time", floor: 2 },
  {
    label: "SystemC at 4 KiB bursts: the same",
    ours: "TLM 4 KiB, 64 MiB",
    peers: ["TLM 4 KiB, 8 MiB"],
    value,
    compare: "time",
  },
];

/** What the peer's execution shows at either size is among our findings. */
export function disagreements(results) {
  return ["8 MiB", "64 MiB"].flatMap((size) => {
    const shown = results[`TLM 4 KiB, ${size}`];
    if (shown === undefined) return [];
    const missed = missedStaleReads(shown.stale_reads, results[size].stale_reads);
    return missed.length === 0 ? [] : [`at ${size} we miss ${missed.length} stale reads, first ${missed[0]}`];
  });
}
