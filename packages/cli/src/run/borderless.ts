// SPDX-License-Identifier: MIT
const edges = [
  "top",
  "top-mid",
  "top-left",
  "top-right",
  "bottom",
  "bottom-mid",
  "bottom-left",
  "bottom-right",
].concat(["left", "left-mid", "mid", "mid-mid", "right", "right-mid", "middle"]);

/** Options of a table that is only aligned: no lines, two spaces between columns. */
export const borderless = {
  chars: Object.fromEntries(edges.map((edge) => [edge, edge === "middle" ? "  " : ""])),
  style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
};
