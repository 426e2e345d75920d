// SPDX-License-Identifier: MIT
// The pipeline of frame-pipeline.mjs on core's machines: what a driver and its devices do, in the order of the peers.
import { cpuTime } from "./cpu-time.mjs";
import {
  cameraImage,
  cleansProcessed,
  FramePipeline,
  fnv1a,
  gpuSnoops,
  invalidatesComposed,
  invalidatesProcessed,
  LINE,
  OVERLAY_BYTE,
  OVERLAY_BYTES,
  Reader,
} from "./frame-pipeline.mjs";

const topologyOf = ({ Topology }) =>
  new Topology({
    domains: { cpu: { line: LINE } },
    agents: {
      cpu: { route: "cached", domain: "cpu" },
      device: { route: "direct" },
      "coherent device": { route: "snoop", domain: "cpu" },
    },
  });

/**
 * Runs the pipeline on the analysis machine. The answer's `stale_reads` are runs of lines that some execution reads
 * stale: [frame, reader, first physical line, lines].
 *
 * The lines that the CPU samples of a frame are one operation on a list of ranges, made anew for each frame; with
 * `lineByLine` each of them is an operation of its own.
 */
export function analyse(core, { frames, bytes, lineByLine = false }) {
  const topology = topologyOf(core);
  const work = new FramePipeline(core.Extents, bytes);
  const found = [];
  let frame = 0;
  let reader = 0;
  const machine = new core.AnalysisMachine(topology, (hazard) => found.push({ hazard, frame, reader }));
  const cpu = topology.agent("cpu");
  const device = topology.agent("device");
  const coherentDevice = topology.agent("coherent device");
  const domain = topology.domain("cpu");
  const { raw, processed, composed } = work;
  const read = (route, who, extents) => {
    reader = who;
    machine.access(route, "read", extents);
  };
  const sample = (who, lines) => {
    if (!lineByLine) return read(cpu, who, lines);
    for (let i = 0; i < lines.pairs.length; i += 2) {
      read(cpu, who, new core.Extents(lines.pairs.slice(i, i + 2)));
    }
  };

  const { cpu_ms } = cpuTime(() => {
    for (frame = 0; frame < frames; frame++) {
      const gpu = gpuSnoops(frame) ? coherentDevice : device;
      machine.access(device, "write", raw);
      read(device, Reader.isp, raw);
      machine.access(device, "write", processed);
      if (invalidatesProcessed(frame)) machine.maintain("invalidate", domain, processed);

      sample(Reader.cpuProcessed, work.processedSamples(frame));
      machine.access(cpu, "write", work.overlay(frame));
      if (cleansProcessed(frame)) machine.maintain("clean", domain, processed);

      read(gpu, Reader.gpu, processed);
      machine.access(gpu, "write", composed);
      if (invalidatesComposed(frame)) machine.maintain("invalidate", domain, composed);

      sample(Reader.cpuComposed, work.composedSamples());
      read(device, Reader.display, composed);
    }
  });
  return { frames, frame_bytes: bytes, cpu_ms, runs: machine.runCount, ...summary(found) };
}

/**
 * Runs the pipeline on the data machine, with nothing happening by itself. The answer's `displayed` is a hash of the
 * last frame that the display read.
 */
export function moveBytes(core, { frames, bytes }) {
  const topology = topologyOf(core);
  const work = new FramePipeline(core.Extents, bytes);
  const machine = new core.DataMachine(topology);
  const cpu = topology.agent("cpu");
  const device = topology.agent("device");
  const coherentDevice = topology.agent("coherent device");
  const domain = topology.domain("cpu");
  const { raw, processed, composed } = work;
  const camera = cameraImage(bytes);
  const isp = new Uint8Array(bytes);
  const gpuImage = new Uint8Array(bytes);
  const displayed = new Uint8Array(bytes);
  const overlay = new Uint8Array(OVERLAY_BYTES).fill(OVERLAY_BYTE);
  const sampled = new Uint8Array(bytes);
  const sample = (extents) => machine.read(cpu, extents, sampled.subarray(0, extents.bytes));

  const { cpu_ms } = cpuTime(() => {
    for (let frame = 0; frame < frames; frame++) {
      const gpu = gpuSnoops(frame) ? coherentDevice : device;
      machine.write(device, raw, camera);
      machine.read(device, raw, isp);
      machine.write(device, processed, isp);
      if (invalidatesProcessed(frame)) machine.maintain("invalidate", domain, processed);

      sample(work.processedSamples(frame));
      machine.write(cpu, work.overlay(frame), overlay);
      if (cleansProcessed(frame)) machine.maintain("clean", domain, processed);

      machine.read(gpu, processed, gpuImage);
      machine.write(gpu, composed, gpuImage);
      if (invalidatesComposed(frame)) machine.maintain("invalidate", domain, composed);

      sample(work.composedSamples());
      machine.read(device, composed, displayed);
    }
  });
  return { frames, frame_bytes: bytes, cpu_ms, displayed: fnv1a(displayed) };
}

function summary(found) {
  const findings = {};
  const stale_reads = [];
  for (const { hazard, frame, reader } of found) {
    findings[hazard.code] = (findings[hazard.code] ?? 0) + 1;
    if (hazard.code !== "stale-read") continue;
    for (let i = 0; i < hazard.ranges.length; i += 2) {
      const first = Math.floor(hazard.ranges[i] / LINE);
      stale_reads.push([frame, reader, first, Math.ceil(hazard.ranges[i + 1] / LINE) - first]);
    }
  }
  return { findings, stale_reads };
}
