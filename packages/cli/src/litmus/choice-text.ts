// SPDX-License-Identifier: MIT
import type { RouteSpec, TimedLitmusProgram, WitnessStep } from "@dmabuf/core/coherency";
import { oneLine } from "../one-line.ts";

/**
 * What caches did in one step of a witness that had a choice: `, kept in the cache` of a port that allocates, `, past l2,
 * into l3` of what moves outwards, `, l2 takes it too` of a fill that comes by, `, l2 takes it` of a dropped line.
 */
export function choiceText(program: TimedLitmusProgram, step: WitnessStep): string {
  const route = routeOf(program, step);
  const [first] = step.choices;
  const asksPort = route?.route === "snoop" && route.writes === "allocate" && first?.domain === route.domain;
  const kept = asksPort && first.allocates;
  const others = asksPort ? step.choices.slice(1) : step.choices;
  const dropped = step.kind === "event" && step.event === "drop";
  const filled = kept || route?.route === "cached" || (step.kind === "event" && step.event === "fill");
  const words = others.map(({ domain, allocates }) => {
    const name = oneLine(domain);
    if (!dropped && !filled) return `, ${allocates ? "into" : "past"} ${name}`;
    return allocates ? `, ${name} takes it${dropped ? "" : " too"}` : "";
  });
  return (kept ? ", kept in the cache" : "") + words.join("");
}

function routeOf({ steps, agents }: TimedLitmusProgram, of: WitnessStep): RouteSpec | undefined {
  const step = of.kind === "operation" ? steps[of.step] : undefined;
  return step !== undefined && "agent" in step ? agents[step.agent] : undefined;
}
