// SPDX-License-Identifier: MIT
import type { Process } from "../sim/process.ts";
import type { PollEvent, PollOptions } from "../sync/poll-queue.ts";

/** What a descriptor stands for: something with counted references that can be polled. @see struct file */
export interface OpenFile {
  /** Takes another reference. */
  get(): OpenFile;
  /** Gives one back. */
  put(): void;
  /** Waits until it has something of `interest`, and says what; nothing when the time is over before. */
  poll(interest: readonly PollEvent[], options?: PollOptions): Process<readonly PollEvent[]>;
}
