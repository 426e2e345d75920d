// SPDX-License-Identifier: MIT
import type { Process, Waitable } from "./process.ts";
import type { Thread } from "./task.ts";

/** How a block ended. */
export type Wakeup = "woken" | "timed-out" | "interrupted";

/** How a task may be blocked. */
export interface BlockOptions {
  /** After how many ns to give up; default never. */
  readonly timeout?: number;
  /** Whether a signal (`Task.interrupt`) ends it; default no. */
  readonly interruptible?: boolean;
}

/** Blocks the running task until somebody wakes it, its time is over, or a signal comes. */
export function* block(
  running: () => Thread<unknown>,
  on: Waitable,
  { interruptible = false, timeout = Number.POSITIVE_INFINITY }: BlockOptions,
): Process<Wakeup> {
  const thread = running();
  thread.interruptible = interruptible;
  if (interruptible && thread.signalPending) {
    thread.signalPending = false;
    return "interrupted";
  }
  thread.timeout = timeout;
  if (timeout <= 0) return "timed-out";
  thread.blockedOn = on;
  yield on;
  thread.timeout = Number.POSITIVE_INFINITY;
  thread.interruptible = false;
  if (thread.timedOut) return "timed-out";
  if (!thread.interrupted) return "woken";
  thread.interrupted = false;
  thread.signalPending = false;
  return "interrupted";
}
