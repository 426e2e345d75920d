// SPDX-License-Identifier: MIT
import { cpuTime } from "../cpu-time.mjs";
import { xorshift } from "../xorshift.mjs";

const PAGES = 2 ** 20;
const TIMES = 10;
const IOVA = 2 ** 32;
const PAGE = 4096;

/** How the pages lie: all in a row, in runs of about eight, or every one by itself. */
const shapes = ["one run", "runs", "scattered"];

export const title = "scatterlists: of 1,048,576 pages, and joined in one range of I/O virtual addresses";

/** The median of three times ten, as the peer's, after as many to warm up. */
const ours = (shape, work) => ({
  run(core) {
    const frames = drawPages(shape);
    const table = core.sgFromPages(frames);
    const act = work === "build" ? () => core.sgFromPages(frames) : () => joined(core, table);
    const run = () => {
      const { cpu_ms, result } = cpuTime(() => {
        let last;
        for (let i = 0; i < TIMES; i++) last = act();
        return last;
      });
      return { cpu_ms: cpu_ms / TIMES, result };
    };
    for (let i = 0; i < 3; i++) run();
    const median = [run(), run(), run()].sort((a, b) => a.cpu_ms - b.cpu_ms)[1];
    if (work === "join") table.map(median.result);
    return { cpu_ms: median.cpu_ms, ...contents(table) };
  },
});

const peer = (shape, work, reuse = 0) => ({
  peer: "scatterlist",
  options: { pages: PAGES, shape: shape === "one run" ? "one" : shape, times: TIMES, work, reuse },
});

export const programs = Object.fromEntries([
  ...shapes.flatMap((shape) => [
    [`ours, build, ${shape}`, ours(shape, "build")],
    [`C++, build, ${shape}`, peer(shape, "build")],
    [`C++, build, ${shape}, reuse`, peer(shape, "build", 1)],
  ]),
  ...shapes.slice(1).flatMap((shape) => [
    [`ours, join, ${shape}`, ours(shape, "join")],
    [`C++, join, ${shape}`, peer(shape, "join")],
  ]),
  ["memory", { run: (core) => retain(core), nodeOptions: ["--expose-gc"] }],
]);

export const rows = [
  ...shapes.map((shape) => ({
    label: `built, ${shape}`,
    ours: `ours, build, ${shape}`,
    peers: [`C++, build, ${shape}`],
    compare: "time",
    floor: 3,
    goal: 1.5,
  })),
  ...shapes.map((shape) => ({
    label: `built, ${shape}; the peer's memory used again`,
    ours: `ours, build, ${shape}`,
    peers: [`C++, build, ${shape}, reuse`],
    compare: "time",
  })),
  ...shapes.slice(1).map((shape) => ({
    label: `joined, ${shape}; the peer in place`,
    ours: `ours, join, ${shape}`,
    peers: [`C++, join, ${shape}`],
    compare: "time",
  })),
  {
    label: "bytes an entry, scattered, mapped directly",
    ours: "memory",
    value: ({ bytes }) => bytes,
    compare: "value",
    floor: 24,
    goal: 20.5,
  },
];

/** Both made the same entries and the same segments, or a sentence that says otherwise. */
export function disagreements(results) {
  const told = ({ entries, segments, checksum }) =>
    `${entries} entries, ${segments} segments, checksum ${checksum}`;
  return rows.flatMap(({ label, ours: program, peers: [other] = [] }) => {
    const [mine, theirs] = [results[program], results[other]];
    if (theirs === undefined || told(mine) === told(theirs)) return [];
    return [`${label}: ours ${told(mine)}; C++ ${told(theirs)}`];
  });
}

/** The same page frame numbers as peers/scatterlist.cpp draws. */
function drawPages(shape) {
  const next = xorshift(777);
  const frames = new Uint32Array(PAGES);
  for (let i = 0, frame = 0; i < PAGES; i++) {
    const drawn = next();
    const jumps = i === 0 || shape === "scattered" || (shape === "runs" && drawn % 8 === 0);
    frame = jumps ? next() & 0xffffff : frame + 1;
    frames[i] = frame;
  }
  return frames;
}

function joined({ finaliseSg, iovaLayout, defaultSegmentLimits: limits }, table) {
  const layout = iovaLayout(table, { granule: PAGE, ...limits });
  return finaliseSg(table, layout, IOVA, limits);
}

function contents(table) {
  const { addresses, lengths, origNents, nents, device } = table;
  let checksum = 0;
  for (let i = 0; i < origNents; i++) checksum += ((addresses[i] / PAGE) % 1000) + lengths[i] / PAGE;
  for (let i = 0; i < nents; i++)
    checksum += ((device.addresses[i] / PAGE) % 1000) + Math.floor(device.lengths[i] / PAGE);
  return { entries: origNents, segments: nents, checksum };
}

/** What a mapped scatterlist takes for each of its entries. */
function retain({ sgFromPages, directSegments }) {
  const frames = drawPages("scattered");
  const before = usedBytes();
  const table = sgFromPages(frames);
  table.map(directSegments(table));
  return { bytes: (usedBytes() - before) / table.origNents, entries: table.origNents };
}

/** Bytes in use after collecting garbage, with those of typed arrays. */
function usedBytes() {
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
