// SPDX-License-Identifier: MIT
import type { Thread } from "./task.ts";

/** A task that can never go on, because nothing is left that could wake it. */
export interface BlockedTask {
  readonly task: string;
  /** Id of its timeline in the trace. */
  readonly timeline: number;
  /** What it waits for, as in `fence usb0 ep1in seq 3`. */
  readonly waitsFor: string;
  /** The timeline that would have to act, where one is known: a lock's owner, a joined task. */
  readonly heldBy: string | null;
  /** Virtual time in ns since when. */
  readonly since: number;
}

/** A task that runs and runs while nothing else comes of it. */
export interface BusyTask {
  readonly task: string;
  /** How often it ran since anything happened. */
  readonly steps: number;
}

/** How a run ended. */
export interface RunReport {
  /** Virtual time in ns. */
  readonly time: number;
  /** The deadlock: the tasks that were left blocked, in the order in which they were spawned; empty when all is well. */
  readonly blocked: readonly BlockedTask[];
  /** The livelock that ended the run: who runs without anything coming of it, the busiest first. */
  readonly livelock?: readonly BusyTask[];
}

/** The tasks that are blocked, but for daemons. */
export function blockedTasks(threads: Iterable<Thread<unknown>>): readonly BlockedTask[] {
  const blocked: BlockedTask[] = [];
  for (const { name, timeline, daemon, blockedOn, blockedSince } of threads) {
    if (daemon || blockedOn === null) continue;
    const heldBy = blockedOn.heldBy?.() ?? null;
    blocked.push({ task: name, timeline, waitsFor: blockedOn.describe(), heldBy, since: blockedSince });
  }
  return blocked;
}
