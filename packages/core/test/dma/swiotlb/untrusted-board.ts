// SPDX-License-Identifier: MIT
import { Extents } from "../../../src/index.ts";
import { laidOutExporter } from "./laid-out-exporter.ts";
import { PAGE } from "./narrow-system.ts";

/** Devices behind an IOMMU that came in a plug, and others of the same kind that did not. */
export const plugged = {
  plugged: { untrusted: true, class: "net" },
  snooping: { untrusted: true, coherent: true, port: "snoop" },
  lazy: { untrusted: true, iommu: "lazy" },
  inside: { class: "net" },
} as const;

/** Ranges, one an entry. */
export const entries = (...of: readonly (readonly [start: number, bytes: number])[]): Extents =>
  Extents.each(
    of.map(([start]) => start),
    of.map(([start, bytes]) => start + bytes),
  );

/** An exporter of buffers whose first and last entry are parts of pages, as what a user has pinned is. */
export const ragged = laidOutExporter("ragged", (page, size) => {
  const [first, middle, last] = [page(), page(), page()];
  return entries([first + 512, PAGE - 512], [middle, PAGE], [last, size - 2 * PAGE + 512]);
});
