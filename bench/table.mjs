// SPDX-License-Identifier: MIT

/** A measured workload as text: what was run, a line for each comparison, and what is to be said about it. */
export function format({ title, unit, rows, notes, disagreements, skipped }) {
  const header = [`(${unit})`, "ours", "peer", "ratio", "(min..max)", "floor", "goal", "verdict"];
  const lines = columns([header, ...rows.map(cells)]);
  const said = [
    ...Object.entries(skipped).map(([program, reason]) => `${program} skipped: ${reason}`),
    ...notes,
    ...(disagreements ?? []).map((sentence) => `DIFFERENT RESULTS: ${sentence}`),
  ];
  if (disagreements?.length === 0) said.push("results agree");
  return [title, ...[...lines, ...said].map((line) => `  ${line}`)].join("\n");
}

/** How a ratio of each kind reads. */
const wording = {
  faster: (ratio) => `${ratio}x as fast`,
  time: (ratio) => `${ratio}x the time`,
  value: (ratio) => ratio,
};

function cells({ label, ours, peer, compare, ratio, floor, goal, verdict }) {
  const sign = compare === "faster" ? ">=" : "<=";
  return [
    label,
    ours === undefined ? "-" : number(ours),
    peer === undefined ? "-" : number(peer),
    ratio === undefined ? "-" : wording[compare](number(ratio.median)),
    ratio === undefined ? "-" : `(${number(ratio.low)}..${number(ratio.high)})`,
    floor === undefined ? "-" : `${sign} ${floor}`,
    goal === undefined ? "-" : `${sign} ${goal}`,
    verdict,
  ];
}

/** Three significant digits, or all of a whole number's. */
function number(value) {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function columns(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 || column === row.length - 1
          ? cell.padEnd(widths[column])
          : cell.padStart(widths[column]),
      )
      .join("  ")
      .trimEnd(),
  );
}
