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
      const run = () => {
        const { cpu_ms, result } = cpuTime(() => update(new IntervalMap(0, SPACE, 0)));
        return { cpu_ms, ...result };
      };
      run();
      return [run(), run(), run()].sort((a, b) => a.cpu_ms - b.cpu_ms)[1];
    },
  },
  "boost::icl": { peer: "interval-map", options: { updates: UPDATES, space: SPACE } },
};

export const rows = [
  { label: "boost::icl::interval_map", peers: ["boost::icl"], compare: "time", floor: 0.5, goal: 0.3 },
];

/** Both maps end with the same values, or a sentence that says otherwise. */
export function disagreements({ ours, "boost::icl": icl }) {
  if (icl === undefined || (ours.checksum === icl.checksum && ours.intervals === icl.intervals)) return [];
  return [`ours: checksum ${ours.checksum}, ${ours.intervals} runs; icl: ${icl.checksum}, ${icl.intervals}`];
}

function update(map) {
  const next = xorshift(42);
  for (let i = 0; i < UPDATES; i++) {
    const start = next() % SPACE;
    const end = Math.min(start + 1 + (next() % 256), SPACE);
    map.set(start, end, next() % 4);
  }
  let checksum = 0;
  let intervals = 0;
  map.forEach(0, SPACE, (value, start, end) => {
    checksum += (end - start) * value;
    intervals++;
  });
  return { checksum, intervals };
}
