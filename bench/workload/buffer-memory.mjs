// SPDX-License-Identifier: MIT
import { cpuTime } from "../cpu-time.mjs";

const PAGE = 4096;

export const title = "buffer memory: 100,000 buffers of 4 KiB, each written, cleaned and read by a device";

export const programs = {
  "100,000 buffers": { run: (core) => retain(core, 100_000), nodeOptions: ["--expose-gc"] },
  "10,000 buffers": { run: (core) => retain(core, 10_000), nodeOptions: ["--expose-gc"] },
};

export const unit = "as named";
export const rows = [
  {
    label: "retained bytes a buffer",
    ours: "100,000 buffers",
    value: ({ retained_bytes, buffers }) => retained_bytes / buffers,
    compare: "value",
    floor: 1024,
  },
  {
    label: "CPU us a buffer, 100,000 against 10,000",
    ours: "100,000 buffers",
    peers: ["10,000 buffers"],
    value: ({ cpu_ms, buffers }) => (cpu_ms * 1000) / buffers,
    compare: "time",
  },
];

/** Every buffer lies apart from the others, so that no two of them are one run of state. */
function retain({ AnalysisMachine, Extents, Topology }, buffers) {
  const topology = new Topology({
    domains: { cpu: { line: 64 } },
    agents: { cpu: { route: "cached", domain: "cpu" }, device: { route: "direct" } },
  });
  const before = usedBytes();
  const held = [];
  const { cpu_ms } = cpuTime(() => {
    const machine = new AnalysisMachine(topology);
    held.push(machine);
    for (let i = 0; i < buffers; i++) {
      const start = 2 * i * PAGE;
      const extents = Extents.of([start, start + PAGE]);
      held.push(extents);
      machine.access(topology.agent("cpu"), "write", extents);
      machine.maintain("clean", topology.domain("cpu"), extents);
      machine.access(topology.agent("device"), "read", extents);
    }
  });
  const retained_bytes = usedBytes() - before;
  return { buffers, held: held.length, cpu_ms, retained_bytes };
}

/** Bytes in use after collecting garbage, with those of typed arrays. */
function usedBytes() {
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
