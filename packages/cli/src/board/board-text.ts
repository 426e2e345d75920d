// SPDX-License-Identifier: MIT
import type { BoardFacts, ShareVerdict } from "@dmabuf/devicetree";
import Table from "cli-table3";
import { borderless } from "../run/borderless.ts";
import { bytes } from "../run/quantity.ts";
import type { Colors } from "../style.ts";

const signs: Readonly<Record<ShareVerdict, string>> = {
  direct: ".",
  maintenance: "m",
  bounce: "b",
  impossible: "x",
  unknown: "?",
};

const meanings: Readonly<Record<ShareVerdict, string>> = {
  direct: "nothing to do",
  maintenance: "somebody owes cache maintenance in between",
  bounce: "only from memory that both reach, else copies",
  impossible: "not at all",
  unknown: "the board does not say enough",
};

const hex = (value: number): string => `0x${value.toString(16)}`;

/** A board as people read it: masters, what stands in front of them, pools, and the share matrix. */
export function boardText(facts: BoardFacts, colors: Colors, all: boolean): string[] {
  const { model, compatible, masters, iommus, pools, ram, assumed } = facts;
  const kind = compatible.length === 0 ? "" : `  ${colors.dim(compatible.join(" "))}`;
  const lines = [`${colors.bold(model ?? "a board without a name")}${kind}`];
  lines.push(`RAM  ${ram.length === 0 ? "not in the blob" : ram.map(rangeText).join(", ")}`);
  for (const { kind, base, size, path } of pools) {
    lines.push(`${kind}  ${base === null ? bytes(size) : rangeText({ base, size })}  ${colors.dim(path)}`);
  }
  for (const { kind, enabled, path } of iommus) {
    lines.push(`IOMMU  ${kind}${enabled ? "" : ", disabled"}  ${colors.dim(path)}`);
  }
  const table = new Table({
    ...borderless,
    head: ["", "class", "coherent", "reaches", "IOMMU", "path"].map((title) => colors.bold(title)),
  });
  masters.forEach(({ path, class: kind, coherent, limit, offset, iommus: behind }, i) => {
    const reach =
      limit === null ? "everything" : `below ${hex(limit)}${offset === 0 ? "" : `, bus + ${hex(offset)}`}`;
    const named = behind.map((one) => one.path.split("/").at(-1)).join(" ");
    table.push([String(i), kind, coherent ? colors.green("yes") : "no", reach, named || "-", path]);
  });
  lines.push(
    "",
    ...table
      .toString()
      .split("\n")
      .map((line) => line.trimEnd()),
  );
  lines.push("", ...matrixText(facts, colors, all));
  if (assumed.length > 0) lines.push("", ...assumed.map((text) => `assumes  ${text}`));
  return lines;
}

const rangeText = ({ base, size }: { base: number; size: number }): string =>
  `${bytes(size)} at ${hex(base)}`;

/** One sign a pair, rows write and columns read, and the reasons, each once with its pairs. */
function matrixText({ masters, sharing }: BoardFacts, colors: Colors, all: boolean): string[] {
  const index = new Map(masters.map(({ path }, i) => [path, i]));
  const width = String(Math.max(0, masters.length - 1)).length;
  const rows = masters.map(() => masters.map(() => " ".repeat(width)));
  const reasons = new Map<string, { verdict: ShareVerdict; pairs: string[] }>();
  for (const { from, to, verdict, why } of sharing) {
    const [row, column] = [index.get(from) ?? 0, index.get(to) ?? 0];
    (rows[row] as string[])[column] = signs[verdict].padStart(width);
    if (verdict === "direct" && !all) continue;
    const reason = why.join("; ");
    const known = reasons.get(reason);
    if (known === undefined) reasons.set(reason, { verdict, pairs: [`${row}>${column}`] });
    else known.pairs.push(`${row}>${column}`);
  }
  const heads = masters.map((_, i) => String(i).padStart(width)).join(" ");
  const lines = [
    `${colors.bold("sharing")}  rows write, columns read`,
    `${" ".repeat(width + 2)}${heads}`,
    ...rows.map((cells, i) => `${String(i).padStart(width)}  ${cells.join(" ")}`),
  ];
  const used = new Set(sharing.map(({ verdict }) => verdict));
  lines.push(
    ...(Object.keys(signs) as ShareVerdict[])
      .filter((verdict) => used.has(verdict))
      .map((verdict) => `${signs[verdict]}  ${verdict}: ${meanings[verdict]}`),
  );
  for (const [reason, { verdict, pairs }] of reasons) {
    const shown = all ? pairs : pairs.slice(0, 6);
    const more = pairs.length > shown.length ? ` and ${pairs.length - shown.length} more` : "";
    lines.push("", `${verdict}  ${shown.join(" ")}${more}`, `  ${reason}`);
  }
  return lines;
}
