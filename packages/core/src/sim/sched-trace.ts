// SPDX-License-Identifier: MIT
import { tracepoint } from "./tracepoint.ts";

/** A task has seen the end of another one, whose timeline `pid` is. @see trace_sched_process_wait */
export const schedProcessWait = tracepoint(
  "sched",
  "sched_process_wait",
  ["comm", "string"],
  ["pid", "number"],
);

/** Ours: somebody woke whoever waits in a queue, if anybody did. */
export const waitQueueWake = tracepoint("sched", "wait_queue_wake", ["queue", "number"], ["name", "string"]);

/** Ours: a task found that what it waits for in a queue holds, and goes on. */
export const waitQueuePass = tracepoint("sched", "wait_queue_pass", ["queue", "number"], ["name", "string"]);
