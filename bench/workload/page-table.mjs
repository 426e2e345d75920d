// SPDX-License-Identifier: MIT
import { cpuTime } from "../cpu-time.mjs";
import { xorshift } from "../xorshift.mjs";

const PAGES = 2 ** 20;
const TRANSLATIONS = 2_000_000;
const BASE = 2 ** 39;
const MEMORY = 2 ** 35;
const PAGE = 4096;
const LINE = 64;
const LINES = PAGE / LINE;
const READ_WRITE = 3;
/** `Descriptor.LEAF` */
const LEAF = 2;

export const title = "page tables: 1,048,576 scattered pages of 4 KiB, four levels, descriptors of 8 bytes";

export const programs = {
  ours: { run: ({ PageTable }) => medians(PageTable) },
  "C++": { peer: "page-table", options: { pages: PAGES, translations: TRANSLATIONS } },
};

const row = (label, key, floor, goal) => ({
  label,
  peers: ["C++"],
  value: (result) => result[key],
  compare: "time",
  floor,
  goal,
});

export const rows = [
  row("mapped, page by page", "map_ms", 1.5, 1),
  row("2,000,000 translations at random", "random_ms", 3, 2.3),
  row("every line of 64 bytes in order; ours: page by page", "sequence_ms", 0.5, 0.3),
  row("unmapped; ours: as one range", "unmap_ms", 3.5, 1),
  {
    label: "bytes a page, tables and all",
    value: ({ bytes }) => bytes / PAGES,
    compare: "value",
    floor: 8.2,
    goal: 8.03,
  },
];

/** Both translate to the same addresses, and nothing is left mapped. */
export function disagreements({ ours, "C++": theirs }) {
  if (theirs === undefined) return [];
  const told = ({ random_sum, sequence_sum, left }) => `sums ${random_sum}, ${sequence_sum}; ${left} left`;
  return told(ours) === told(theirs) ? [] : [`ours: ${told(ours)}; C++: ${told(theirs)}`];
}

/** Each part's median of three, as the peer's, after six to warm up: until then the engine goes on compiling. */
function medians(PageTable) {
  for (let i = 0; i < 6; i++) once(PageTable);
  const runs = [once(PageTable), once(PageTable), once(PageTable)];
  const middle = (key) => runs.map((run) => run[key]).sort((a, b) => a - b)[1];
  const times = ["map_ms", "random_ms", "sequence_ms", "unmap_ms"].map((key) => [key, middle(key)]);
  return { ...runs[2], ...Object.fromEntries(times) };
}

/** What `peers/page-table.cpp` does. */
function once(PageTable) {
  const made = cpuTime(() => mapped(new PageTable(format)));
  const table = made.result;
  const { bytes } = table;
  const random = cpuTime(() => randomSum(table));
  const sequence = cpuTime(() => sequenceSum(table));
  const unmapped = cpuTime(() => table.unmapPages(BASE, PAGE, PAGES));
  let left = 0;
  for (let page = 0; page < PAGES; page++) if (table.lookup(BASE + page * PAGE) !== null) left++;
  return {
    map_ms: made.cpu_ms,
    random_ms: random.cpu_ms,
    sequence_ms: sequence.cpu_ms,
    unmap_ms: unmapped.cpu_ms,
    random_sum: random.result,
    sequence_sum: sequence.result,
    left,
    bytes,
  };
}

/** Scattered: each page lies somewhere else. */
function mapped(table) {
  for (let page = 0; page < PAGES; page++) {
    const frame = Math.imul(page, 2654435761) & 0xffffff;
    table.mapPages(BASE + page * PAGE, MEMORY + frame * PAGE, PAGE, 1, READ_WRITE);
  }
  return table;
}

function randomSum(table) {
  const random = xorshift(5);
  let sum = 0;
  for (let i = 0; i < TRANSLATIONS; i++) {
    const page = random() & (PAGES - 1);
    const address = BASE + page * PAGE + (i & 0xfff);
    if (table.walk(address) === LEAF) sum = (sum + table.output(address)) >>> 0;
  }
  return sum;
}

/** The sum over the lines of a page follows from its first address. */
function sequenceSum(table) {
  const inPage = (LINE * LINES * (LINES - 1)) / 2;
  const end = BASE + PAGES * PAGE;
  let sum = 0;
  for (let address = BASE; address < end; address += table.size) {
    table.walk(address);
    sum = (sum + LINES * table.output(address) + inPage) % 2 ** 32;
  }
  return sum;
}

/** As LPAE's stage 1 with granules of 4 KiB: bits 12 to 47 of the address in place, flags below and above. */
const format = {
  name: "bench",
  descriptorBytes: 8,
  levels: [
    { level: 0, shift: 39, bits: 9, leaf: false },
    { level: 1, shift: 30, bits: 9, leaf: true },
    { level: 2, shift: 21, bits: 9, leaf: true },
    { level: 3, shift: 12, bits: 9, leaf: true },
  ],
  outputEnd: 2 ** 48,
  kindOf(low, _high, level) {
    if ((low & 1) === 0) return 0;
    if (level === 3) return (low & 2) === 0 ? 0 : 2;
    return (low & 2) === 0 ? 2 : 1;
  },
  addressOf: (low, high) => (high & 0xffff) * 2 ** 32 + ((low & 0xffff_f000) >>> 0),
  protOf: (low) => ((low & 0x80) === 0 ? READ_WRITE : 1),
  writeLeaves(words, at, count, level, address, prot) {
    const flags =
      (level === 3 ? 0x703 : 0x701) | ((prot & 2) === 0 ? 0x80 : 0) | ((prot & 4) === 0 ? 0 : 4) | 0x40;
    const size = level === 3 ? PAGE : level === 2 ? 512 * PAGE : 512 * 512 * PAGE;
    for (let i = 0, to = address; i < count; i++, to += size) {
      words[at + 2 * i] = (to >>> 0) | flags;
      words[at + 2 * i + 1] = to / 2 ** 32;
    }
  },
  writeTable(words, at, _level, address) {
    words[at] = (address >>> 0) | 3;
    words[at + 1] = address / 2 ** 32;
  },
};
