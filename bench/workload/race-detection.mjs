// SPDX-License-Identifier: MIT
import { cpuTime } from "../cpu-time.mjs";

const FRAMES = 10_000;
const PAGE = 4096;
const PAGES = 64;

export const title = `race detection: a pipeline of three stages, ${FRAMES} frames of ${PAGES} scattered pages`;

export const programs = {
  "with races": { run: (core) => judge(core, true) },
  "without races": { run: (core) => judge(core, false) },
};

const value = ({ cpu_ms }) => (cpu_ms * 1000) / FRAMES;

export const unit = "us a frame";
export const rows = [
  {
    label: "looking for races; the same run without",
    ours: "with races",
    peers: ["without races"],
    value,
    compare: "time",
    floor: 2,
  },
];

/** Both saw the same run. */
export function disagreements({ "with races": one, "without races": other }) {
  if (one === undefined || other === undefined || one.checksum === other.checksum) return [];
  return [`with races: ${one.checksum}; without: ${other.checksum}`];
}

/** After a tenth of it to warm up. */
function judge(core, races) {
  const platform = boardOf(core);
  const run = (frames) => platform.run({ ...pipeline, frames }, { races, scatter: { seed: 1 } });
  run(FRAMES / 10);
  const { cpu_ms, result } = cpuTime(() => run(FRAMES));
  const { verdict, cost, maintenance, findings } = result;
  if (findings.some(({ code }) => code === "race")) throw new Error("the pipeline is done right, but races");
  return { cpu_ms, checksum: `${verdict} ${cost.ns} ${maintenance.performed.bytes}` };
}

const pipeline = {
  buffers: { frame: { size: PAGES * PAGE, count: 4 } },
  stages: [
    { device: "camera", writes: "frame" },
    { name: "look", cpu: true, reads: "frame" },
    { device: "display", reads: "frame" },
  ],
  exporter: "pages",
};

function boardOf({ assemble, board, definePlugin, Extents }) {
  const clean = (kind) => (extents) => [{ kind, domain: "cpu", extents }];
  const arch = {
    name: "bench",
    domains: { cpu: { line: 64 } },
    cpuDomain: "cpu",
    dmaDefaultCoherent: false,
    syncForDevice: clean("clean"),
    syncForCpu: (extents, direction) => (direction === "to-device" ? [] : clean("invalidate")(extents)),
    lineCost: () => 10,
  };
  const pages = ({ cpu, dma, dmaBuf, memory }) => ({
    *allocate(size) {
      const starts = Array.from({ length: size / PAGE }, () => memory.pages.allocatePages(0));
      const ends = starts.map((start) => start + PAGE);
      const extents = Extents.each(starts, ends);
      cpu.access("clear", extents);
      yield* cpu.settle();
      const mappings = new Set();
      const ops = {
        *map({ device }, direction) {
          yield 0;
          const mapping = dma.mapSgtable(device, extents, direction);
          mappings.add(mapping);
          return mapping;
        },
        *unmap(_attachment, mapping) {
          yield 0;
          mappings.delete(mapping);
          dma.unmapSgtable(mapping);
        },
        *beginCpuAccess(_buffer, direction) {
          yield 0;
          for (const mapping of mappings) dma.syncSgtableForCpu(mapping, direction);
        },
        *endCpuAccess(_buffer, direction) {
          yield 0;
          for (const mapping of mappings) dma.syncSgtableForDevice(mapping, direction);
        },
        mmap: () => ({ extents, memoryType: "write-back" }),
        release() {},
      };
      return dmaBuf.export({ exporterName: "pages", size, ops });
    },
  });
  const device = { class: "dma", coherent: false };
  return assemble(
    board({
      model: "bench",
      memory: [{ base: 0, size: "64MiB" }],
      devices: { camera: device, display: device },
    }),
    [definePlugin({ name: "bench", provides: { arch: () => arch, exporters: { pages } } })],
  );
}
