// SPDX-License-Identifier: MIT
import { cpuTime } from "../cpu-time.mjs";
import { xorshift } from "../xorshift.mjs";

const UPDATES = 200_000;
const SPACE = 2 ** 20;

export const title = "interval map: 200,000 random updates of 1 to 256 lines in a space of 1,048,576 lines";

export const programs = {
  ours: {
    /** The median of three runs, as the peer's, after one to warm up; each on a map of its own. */
    run({ IntervalMap }) {
      const updates = drawUpdates();
      const run = () => timed(IntervalMap, updates, UPDATES);
      run();
      return [run(), run(), run()].sort((a, b) => a.cpu_ms - b.cpu_ms)[1];
    },
  },
  "ours, first run": {
    run({ IntervalMap }) {
      const updates = drawUpdates();
      timed(IntervalMap, updates, UPDATES / 10);
      return timed(IntervalMap, updates, UPDATES);
    },
  },
  "boost::icl": { peer: "interval-map", options: { updates: UPDATES, space: SPACE } },
};

export const rows = [
  { label: "boost::icl::interval_map", peers: ["boost::icl"], compare: "time", floor: 0.5, goal: 0.3 },
  {
    label: "the first run of a process, after a tenth of it",
    ours: "ours, first run",
    peers: ["boost::icl"],
    compare: "time",
  },
];

/** All maps end with the same values. */
export function disagreements({ ours, ...others }) {
  const told = ({ checksum, intervals }) => `checksum ${checksum}, ${intervals} runs`;
  return Object.entries(others)
    .filter(([, other]) => told(other) !== told(ours))
    .map(([name, other]) => `ours: ${told(ours)}; ${name}: ${told(other)}`);
}

/** Start, end and value of each update, one after the other; drawn before the clock runs, as the peer does. */
function drawUpdates() {
  const next = xorshift(42);
  const updates = new Int32Array(UPDATES * 3);
  for (let i = 0; i < updates.length; i += 3) {
    updates[i] = next() % SPACE;
    updates[i + 1] = Math.min(updates[i] + 1 + (next() % 256), SPACE);
    updates[i + 2] = next() % 4;
  }
  return updates;
}

/** CPU time of the first `count` updates on a map of their own, and what the map holds then. */
function timed(IntervalMap, updates, count) {
  const { cpu_ms, result } = cpuTime(() => {
    const map = new IntervalMap(0, SPACE, 0);
    for (let i = 0; i < count * 3; i += 3) map.set(updates[i], updates[i + 1], updates[i + 2]);
    return contents(map);
  });
  return { cpu_ms, ...result };
}

function contents(map) {
  let checksum = 0;
  let intervals = 0;
  map.forEach(0, SPACE, (value, start, end) => {
    checksum += (end - start) * value;
    intervals++;
  });
  return { checksum, intervals };
}
