// SPDX-License-Identifier: MIT
import type { LitmusHazard, TimedLitmusProgram } from "@dmabuf/core/coherency";
import { byteHistory, type HistoryRow, holderOf } from "../../src/litmus/byte-history.ts";

/** Whether memory and every copy of the byte are old or absent. */
export const isLost = ({ memory, copies }: HistoryRow): boolean =>
  !memory && ![...copies.values()].some((copy) => copy?.fresh === true);

/** Whether the read that leads from one row to the next observes an old value. */
export function isStaleRead(program: TimedLitmusProgram, index: number, before: HistoryRow): boolean {
  const step = program.steps[index];
  if (step === undefined || !("agent" in step)) return false;
  const route = program.agents[step.agent];
  const holder =
    route === undefined || route.route === "direct" ? null : holderOf(program, route.domain, before);
  const copy = holder === null ? null : before.copies.get(holder);
  return !(copy == null ? before.memory : copy.fresh);
}

/** Whether the witness of a hazard, followed row by row, shows the hazard. */
export function endsInHazard(program: TimedLitmusProgram, hazard: LitmusHazard): boolean {
  const rows = byteHistory(program, hazard);
  if (hazard.code === "lost-write") return isLost(rows.at(-1) as HistoryRow);
  return isStaleRead(program, hazard.step, rows.at(-2) as HistoryRow);
}
