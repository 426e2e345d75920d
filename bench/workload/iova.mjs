// SPDX-License-Identifier: MIT
import { cpuTime } from "../cpu-time.mjs";
import { xorshift } from "../xorshift.mjs";

const OPERATIONS = 1_000_000;
const LIVE = 20_000;
const SPACE = 2 ** 24;
/** The slow ones do a part of it, and so do we beside them. */
const PART = 100_000;

export const title =
  "I/O virtual addresses: 1,000,000 allocations and frees of 1 to 1024 pages, up to 20,000 at a time";

export const programs = {
  "ours, Linux's addresses": {
    // The second argument puts every range past 4 GiB: one last range is remembered and not two, as in the peer.
    run: ({ LinuxIova }) => median(() => new LinuxIova(1, 1), OPERATIONS),
  },
  "ours, first fit": { run: ({ FirstFitIova }) => median(() => new FirstFitIova(1), OPERATIONS) },
  "ours, first fit, part": { run: ({ FirstFitIova }) => median(() => new FirstFitIova(1), PART) },
  "C++, Linux's policy": {
    peer: "iova",
    options: { operations: OPERATIONS, live: LIVE, space: SPACE },
  },
  "sorted-btree": {
    async run() {
      const { default: BTree } = await import("sorted-btree");
      return median(() => new BTreeIova(BTree.default ?? BTree), PART);
    },
  },
};

export const rows = [
  {
    label: "Linux's addresses; C++ std::map and walk",
    ours: "ours, Linux's addresses",
    peers: ["C++, Linux's policy"],
    compare: "faster",
    floor: 1.5,
    goal: 2.5,
  },
  {
    label: "first fit; C++ std::map and walk, Linux's addresses",
    ours: "ours, first fit",
    peers: ["C++, Linux's policy"],
    compare: "faster",
    floor: 4,
    goal: 7,
  },
  {
    label: "first fit, 100,000 operations; sorted-btree, walk",
    ours: "ours, first fit, part",
    peers: ["sorted-btree"],
    compare: "faster",
    floor: 8,
    goal: 14,
  },
];

/** Programs with one policy hand out the same addresses. */
export function disagreements(results) {
  const told = ({ checksum, failures }) => `checksum ${checksum}, ${failures} failures`;
  return [
    ["ours, Linux's addresses", "C++, Linux's policy"],
    ["ours, first fit, part", "sorted-btree"],
  ]
    .filter((pair) => pair.every((name) => results[name] !== undefined))
    .filter(([mine, theirs]) => told(results[mine]) !== told(results[theirs]))
    .map(([mine, theirs]) => `${mine}: ${told(results[mine])}; ${theirs}: ${told(results[theirs])}`);
}

/** The median of three runs, as the peer's, after one to warm up; each on an allocator of its own. */
function median(make, operations) {
  const run = () => {
    const { cpu_ms, result } = cpuTime(() => allocateAndFree(make(), operations));
    return { cpu_ms, ...result };
  };
  run();
  return [run(), run(), run()].sort((a, b) => a.cpu_ms - b.cpu_ms)[1];
}

/** What `peers/iova.cpp` does, in the same order. */
function allocateAndFree(iova, operations) {
  const random = xorshift(12345);
  const ranges = new Float64Array(LIVE);
  let live = 0;
  let checksum = 0;
  let failures = 0;
  for (let i = 0; i < operations; i++) {
    const draw = random();
    if (live < LIVE && (live < LIVE / 2 || (draw & 1) === 1)) {
      let size = 1 + (random() & 1023);
      if (size < 32) size = roundUpPowerOfTwo(size);
      const first = iova.allocate(size, SPACE - 1);
      if (first === null) {
        failures++;
        continue;
      }
      ranges[live++] = first;
      checksum = (Math.imul(checksum, 31) + first) >>> 0;
    } else {
      const index = (random() >>> 1) % live;
      iova.free(ranges[index]);
      ranges[index] = ranges[--live];
    }
  }
  return { checksum, failures };
}

function roundUpPowerOfTwo(value) {
  let power = 1;
  while (power < value) power *= 2;
  return power;
}

/** What somebody would write with a sorted map from npm: the gaps by their start, walked down from the top. */
class BTreeIova {
  constructor(BTree) {
    this.gaps = new BTree();
    this.gaps.set(1, SPACE);
    this.sizes = new Map();
  }

  allocate(size) {
    const alignment = roundUpPowerOfTwo(size);
    const { gaps } = this;
    for (const [start, end] of gaps.entriesReversed()) {
      const first = Math.floor((end - size) / alignment) * alignment;
      if (first < start) continue;
      if (first === start) gaps.delete(start);
      else gaps.set(start, first);
      if (first + size < end) gaps.set(first + size, end);
      this.sizes.set(first, size);
      return first;
    }
    return null;
  }

  free(first) {
    const { gaps, sizes } = this;
    let start = first;
    let end = first + sizes.get(first);
    sizes.delete(first);
    const behind = gaps.get(end);
    if (behind !== undefined) {
      gaps.delete(end);
      end = behind;
    }
    const before = gaps.nextLowerPair(first);
    if (before !== undefined && before[1] === first) start = before[0];
    gaps.set(start, end);
  }
}
