// SPDX-License-Identifier: MIT
import { cpuTime } from "../cpu-time.mjs";
import {
  cameraImage,
  FramePipeline,
  fnv1a,
  NV12_4K,
  OVERLAY_BYTE,
  OVERLAY_BYTES,
} from "../frame-pipeline.mjs";
import { moveBytes } from "../pipeline-run.mjs";

const frames = 300;

export const title =
  "data machine: 300 frames of 4K NV12 with real bytes, against copying them and nothing else";

export const programs = {
  ours: { run: (core) => moveBytes(core, { frames, bytes: NV12_4K }) },
  "TypedArray.set": { run: (core) => copyFrames(core) },
  memcpy: { peer: "memory-copy", options: { frames } },
  "TLM 4 KiB with data": { peer: "tlm-pipeline", options: { frames, burst: 4096, data: 1 } },
};

export const rows = [
  {
    label: "the faster of the two copies",
    peers: ["TypedArray.set", "memcpy"],
    compare: "time",
    floor: 1.8,
    goal: 1.4,
  },
  { label: "SystemC at 4 KiB bursts with data", peers: ["TLM 4 KiB with data"], compare: "faster" },
];

/** Every program ends with the same picture on the display. */
export function disagreements({ ours, ...others }) {
  return Object.entries(others)
    .filter(([, other]) => other.displayed !== ours.displayed)
    .map(([name, other]) => `displayed ${ours.displayed}, with ${name} ${other.displayed}`);
}

/** The six copies of a frame that the pipeline is made of, and the overlay. */
function copyFrames({ Extents }) {
  const work = new FramePipeline(Extents, NV12_4K);
  const images = [cameraImage(NV12_4K)];
  while (images.length < 7) images.push(new Uint8Array(NV12_4K).fill(1));
  const { cpu_ms } = cpuTime(() => {
    for (let frame = 0; frame < frames; frame++) {
      for (let i = 0; i < 6; i++) {
        images[i + 1].set(images[i]);
        if (i !== 2) continue;
        const offset = work.overlayOffset(frame);
        images[3].fill(OVERLAY_BYTE, offset, offset + OVERLAY_BYTES);
      }
    }
  });
  return { frames, cpu_ms, displayed: fnv1a(images[6]) };
}
