// SPDX-License-Identifier: MIT

/**
 * What somebody knows of each timeline: the sequence number of its newest event that happened before. Never changed once
 * it is made; a timeline that is left out, or has -1, is not known at all.
 */
export type VectorClock = readonly number[];

/** Knows nothing. */
export const NOTHING: VectorClock = [];

/** Whether the event `seq` of a timeline is known. */
export const knows = (clock: VectorClock, timeline: number, seq: number): boolean =>
  (clock[timeline] ?? -1) >= seq;

/** What both know together; the first one itself when the second adds nothing. */
export function joined(clock: VectorClock, other: VectorClock): VectorClock {
  if (other.length === 0 || clock === other) return clock;
  let result: number[] | null = null;
  for (let i = 0; i < other.length; i++) {
    const seq = other[i] ?? -1;
    if (seq <= (clock[i] ?? -1)) continue;
    result ??= [...clock];
    while (result.length < i) result.push(-1);
    result[i] = seq;
  }
  return result ?? clock;
}

/** What is known when the event `seq` of a timeline is known as well. */
export function advanced(clock: VectorClock, timeline: number, seq: number): VectorClock {
  if (knows(clock, timeline, seq)) return clock;
  const result = [...clock];
  while (result.length < timeline) result.push(-1);
  result[timeline] = seq;
  return result;
}
