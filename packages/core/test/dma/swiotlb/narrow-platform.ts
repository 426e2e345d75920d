// SPDX-License-Identifier: MIT
import { assemble, type BoardDescription, board, Extents, type Platform } from "../../../src/index.ts";
import { toyArch } from "../../../src/testing.ts";
import { laidOutExporter } from "./laid-out-exporter.ts";
import { narrowBoard, PAGE } from "./narrow-system.ts";

/** An exporter of single pages above 4 GiB. */
const scattered = laidOutExporter("scattered", (page, size) => {
  const starts = Array.from({ length: Math.ceil(size / PAGE) }, page);
  return Extents.each(
    starts,
    starts.map((start) => start + PAGE),
  );
});

/** The narrow board with that exporter. */
export const narrowPlatform = (changes: Partial<BoardDescription> = {}): Platform =>
  assemble(board({ ...narrowBoard, ...changes }), [toyArch(), scattered]);
