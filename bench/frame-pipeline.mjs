// SPDX-License-Identifier: MIT
// The workload of the pipeline bench: camera -> ISP -> CPU (histogram, overlay) -> GPU -> CPU (histogram) -> display,
// on three buffers of scattered pages. The same numbers are in peers/frame-pipeline.h; change both or none.
import { xorshift } from "./xorshift.mjs";

export const LINE = 64;
const PAGE = 4096;
const LINES_PER_PAGE = PAGE / LINE;
const LINES_PER_ROW = 60;
const OVERLAY_ROWS = 64;
const PROCESSED_SAMPLES = 1944;
const COMPOSED_SAMPLES = 480;
const OVERLAY_LINES = OVERLAY_ROWS * LINES_PER_ROW;
export const OVERLAY_BYTES = OVERLAY_LINES * LINE;
export const OVERLAY_BYTE = 0x5a;
/** A 3840x2160 NV12 frame. */
export const NV12_4K = (3840 * 2160 * 3) / 2;

/** Who reads, as numbered in every program's output. */
export const Reader = { isp: 1, cpuProcessed: 2, gpu: 3, cpuComposed: 4, display: 5 };

/** The GPU snoops the CPU's cache on even frames. */
export const gpuSnoops = (frame) => frame % 2 === 0;
/** The driver's mistakes: one maintenance operation is left out on three frames of every fifty. */
export const invalidatesProcessed = (frame) => frame % 50 !== 7;
export const cleansProcessed = (frame) => frame % 50 !== 13;
export const invalidatesComposed = (frame) => frame % 50 !== 29;

/** The three buffers, and what the CPU touches of them. */
export class FramePipeline {
  #Extents;
  #pages;
  #processedStride;
  #composedStride;
  #overlayPositions;

  /** @param Extents core's class of that name. @param bytes length of a frame, a multiple of 64. */
  constructor(Extents, bytes) {
    const lines = bytes / LINE;
    this.#Extents = Extents;
    this.#processedStride = Math.floor(lines / PROCESSED_SAMPLES);
    this.#composedStride = Math.floor(lines / COMPOSED_SAMPLES);
    this.#overlayPositions = Math.floor((Math.floor(lines / 3) * 2) / LINES_PER_ROW) - OVERLAY_ROWS;
    this.#pages = scatteredPages(Math.ceil(bytes / PAGE), 3);
    const [raw, processed, composed] = this.#pages.map((pages) => this.#frame(pages, bytes));
    this.raw = raw;
    this.processed = processed;
    this.composed = composed;
  }

  /** Every line that the CPU reads of the processed frame; each moves by one line a frame. */
  processedSamples(frame) {
    return this.#samples(
      this.#pages[1],
      PROCESSED_SAMPLES,
      this.#processedStride,
      frame % this.#processedStride,
    );
  }

  /** Every line that the CPU reads of the composed frame. */
  composedSamples() {
    return this.#samples(this.#pages[2], COMPOSED_SAMPLES, this.#composedStride, 0);
  }

  /** The part of the processed frame that the CPU draws over. */
  overlay(frame) {
    return this.processed.slice(this.overlayOffset(frame), OVERLAY_BYTES);
  }

  /** Where in a frame the overlay begins, in bytes. */
  overlayOffset(frame) {
    return ((frame * 37) % this.#overlayPositions) * LINES_PER_ROW * LINE;
  }

  #frame(pages, bytes) {
    const whole = this.#Extents.of(...pages.map((page) => [page * PAGE, (page + 1) * PAGE]));
    return whole.slice(0, bytes);
  }

  #samples(pages, count, stride, first) {
    const pairs = new Float64Array(count * 2);
    for (let i = 0; i < count; i++) {
      const line = i * stride + first;
      const page = pages[Math.floor(line / LINES_PER_PAGE)];
      pairs[i * 2] = page * PAGE + (line % LINES_PER_PAGE) * LINE;
      pairs[i * 2 + 1] = pairs[i * 2] + LINE;
    }
    return new this.#Extents(pairs);
  }
}

/** Page frame numbers of each buffer: runs of 1 to 32 pages with gaps of 0 to 7, as under memory pressure. */
function scatteredPages(pagesPerBuffer, buffers) {
  const next = xorshift(4242);
  let page = 16;
  return Array.from({ length: buffers }, () => {
    const pages = [];
    while (pages.length < pagesPerBuffer) {
      const run = 1 + (next() % 32);
      page += next() % 8;
      for (let i = 0; i < run && pages.length < pagesPerBuffer; i++) pages.push(page++);
    }
    return pages;
  });
}

/** What the camera sees: the same random bytes in every frame. */
export function cameraImage(bytes) {
  const next = xorshift(2026);
  return Uint8Array.from({ length: bytes }, () => next() & 0xff);
}

/** 32-bit FNV-1a, to compare what was displayed. */
export function fnv1a(bytes) {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
