// SPDX-License-Identifier: MIT
import type {
  LitmusHazard,
  LitmusRace,
  LitmusStep,
  TimedLitmusProgram,
  WitnessStep,
} from "@dmabuf/core/coherency";
import { oneLine } from "../one-line.ts";
import type { Colors } from "../style.ts";
import { byteHistory, type CachedByte, type HistoryRow, holderOf } from "./byte-history.ts";
import { choiceText } from "./choice-text.ts";

const values = { true: "new", false: "old" } as const;
const shown = (fresh: boolean): string => values[`${fresh}`];
const shownCopy = (copy: CachedByte | null | undefined): string =>
  copy == null ? "-" : `${shown(copy.fresh)}${copy.dirty ? ", dirty" : ""}`;

/** A step in words: `dma writes [0, 4096)`, `clean cpu [0, 64) on main`. */
function stepText(step: LitmusStep): string {
  const [start, end] = step.range;
  const what = "agent" in step ? `${step.agent} ${step.op}s` : `${step.op} ${step.domain}`;
  return oneLine(`${what} [${start}, ${end})${step.on === undefined ? "" : ` on ${step.on}`}`);
}

function happened(
  program: TimedLitmusProgram,
  { byte }: LitmusHazard,
  step: WitnessStep | null,
): [string, string] {
  if (step === null) return ["", "at the start"];
  if (step.kind === "operation") {
    const performed = program.steps[step.step] as LitmusStep;
    const [start, end] = performed.range;
    const neighbour = byte < start || byte >= end ? ", the same line" : "";
    return [String(step.step), `${stepText(performed)}${neighbour}${choiceText(program, step)}`];
  }
  return ["", `${oneLine(step.domain)} ${events[step.event]} by itself${choiceText(program, step)}`];
}

const events = {
  "write-back": "writes its line back",
  drop: "drops its line",
  fill: "fetches the line",
} as const;

/** The hazard in one sentence. */
function headline(program: TimedLitmusProgram, { code, step, byte }: LitmusHazard): string {
  const what =
    code === "stale-read"
      ? `byte ${byte} can be an old value`
      : `the newest value of byte ${byte} can be lost`;
  return `step ${step}, ${stepText(program.steps[step] as LitmusStep)}: ${what}`;
}

function ending(
  program: TimedLitmusProgram,
  { code, step }: LitmusHazard,
  rows: readonly HistoryRow[],
): string {
  if (code === "lost-write") return "the newest value is nowhere any more";
  const read = program.steps[step] as LitmusStep;
  const route = "agent" in read ? program.agents[read.agent] : undefined;
  const before = rows.at(-2);
  const holder =
    route === undefined || route.route === "direct" || before === undefined
      ? null
      : holderOf(program, route.domain, before);
  return `the read takes the old value from ${holder === null ? "memory" : `${oneLine(holder)}'s line`}`;
}

/**
 * How a hazard comes about, as a table: what happened on the left, on the right where the newest value of the byte is
 * ("new"), where an older one is ("old"), and which copies are dirty. The lines have no indent and no line ends.
 */
export function hazardStory(program: TimedLitmusProgram, hazard: LitmusHazard, colors: Colors): string[] {
  const rows = byteHistory(program, hazard);
  const domains = Object.keys(program.domains);
  const cells = rows.map((row) => [
    ...happened(program, hazard, row.step),
    shown(row.memory),
    ...domains.map((domain) => shownCopy(row.copies.get(domain))),
  ]);
  const table = [["", `byte ${hazard.byte}`, "memory", ...domains.map(oneLine)], ...cells];
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((cell) => cell[column]?.length ?? 0))) ?? [];
  const lines = table.map((cell, index) => {
    const padded = cell.map((text, column) => {
      const width = widths[column] ?? 0;
      const aligned = column === 0 ? text.padStart(width) : text.padEnd(width);
      return index > 0 && column >= 2 && text.startsWith("old") ? colors.yellow(aligned) : aligned;
    });
    const line = `${padded[0]}  ${padded[1]}   ${padded.slice(2).join("  ")}`.trimEnd();
    return index === 0 ? colors.dim(line) : line;
  });
  const end = ending(program, hazard, rows);
  const indent = " ".repeat((widths[0] ?? 0) + 2);
  return [
    `${colors.bold(hazard.code)} at ${headline(program, hazard)}`,
    ...lines.map((line) => `  ${line}`),
    `  ${indent}${colors.red(end)}`,
  ];
}

const conflicts = {
  bytes: "both touch the same bytes, and one of them writes",
  line: "they share a line, and a write takes its whole line along",
  maintenance: "maintenance moves a line that the other one is about",
} as const;

/** What a race is about, what orders neither way, and which fence would. The lines have no indent and no line ends. */
export function raceStory(program: TimedLitmusProgram, race: LitmusRace, colors: Colors): string[] {
  const { first, second, conflict } = race;
  const [a, b] = [program.steps[first] as LitmusStep, program.steps[second] as LitmusStep];
  const [from, to] = [oneLine(a.on ?? ""), oneLine(b.on ?? "")];
  return [
    `${colors.bold("race")} of step ${first}, ${stepText(a)}, and step ${second}, ${stepText(b)}`,
    `  ${conflicts[conflict]}; nothing orders them`,
    `  ${colors.red(`missing: a fence that ${from} signals after step ${first} and ${to} waits for before step ${second}`)}`,
  ];
}
