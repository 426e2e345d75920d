// SPDX-License-Identifier: MIT
import { cpuTime } from "../cpu-time.mjs";

const FENCES = 1_000_000;
/** A full table: it doubles when it grows. */
const TABLE = 2 ** 20;

export const title = "fences: 1,000,000 made, each given a callback, signaled, put";

export const programs = {
  ours: {
    /** The median of three runs after four to warm up. The pool's slots are used again, as the peer's heap is. */
    run({ FencePool, Simulation }) {
      const pool = new FencePool(new Simulation());
      const run = () => {
        const { cpu_ms, result } = cpuTime(() => live(pool));
        return { cpu_ms, checksum: result };
      };
      for (let i = 0; i < 4; i++) run();
      return [run(), run(), run()].sort((a, b) => a.cpu_ms - b.cpu_ms)[1];
    },
  },
  "C++, malloc": { peer: "fence", options: { fences: FENCES } },
  memory: { run: (core) => retain(core), nodeOptions: ["--expose-gc"] },
};

export const rows = [
  {
    label: "C++, fences and callbacks from malloc, intrusive lists",
    peers: ["C++, malloc"],
    compare: "time",
    floor: 0.6,
    goal: 0.3,
  },
  {
    label: "bytes a fence, table full",
    ours: "memory",
    value: ({ bytes }) => bytes,
    compare: "value",
    floor: 40.5,
    goal: 30,
  },
];

/** Both ran every callback once with its fence and its number, or a sentence that says otherwise. */
export function disagreements({ ours, "C++, malloc": peer }) {
  if (peer === undefined || ours.checksum === peer.checksum) return [];
  return [`ours: checksum ${ours.checksum}; C++: ${peer.checksum}`];
}

const ops = { driverName: "bench", timelineName: "bench" };

function live(pool) {
  // Not a variable: each sum beyond 31 bits would be an object of its own.
  const checksum = new Float64Array(1);
  const callback = (fence, data) => {
    checksum[0] += data * 3 + pool.seqno(fence);
  };
  const fences = new Int32Array(FENCES);
  for (let i = 0; i < FENCES; i++) fences[i] = pool.init(ops, 1, i);
  for (let i = 0; i < FENCES; i++) pool.addCallback(fences[i], callback, i);
  for (let i = 0; i < FENCES; i++) pool.signal(fences[i]);
  for (let i = 0; i < FENCES; i++) pool.put(fences[i]);
  return checksum[0];
}

/** What the pool takes for each of so many fences without callbacks. */
function retain({ FencePool, Simulation }) {
  const pool = new FencePool(new Simulation());
  const before = usedBytes();
  for (let i = 0; i < TABLE; i++) pool.init(ops, 1, i);
  return { bytes: (usedBytes() - before) / TABLE, live: pool.live };
}

/** Bytes in use after collecting garbage, with those of typed arrays. */
function usedBytes() {
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
