// SPDX-License-Identifier: MIT
import type { BusyTask } from "./simulation-report.ts";

/** Tasks that a report names. */
const MOST_NAMED = 8;

/** Counts steps of tasks of which nothing comes. */
export class LivelockWatch {
  readonly #limit: number;
  readonly #steps = new Map<string, number>();
  #doings = -1;
  #idle = 0;

  /** @param limit steps in a row; throws `TypeError` when it is not positive. */
  constructor(limit: number) {
    if (!(limit > 0)) throw new TypeError(`a livelock cannot begin after ${limit} steps`);
    this.#limit = limit;
  }

  /** Counts a step; `doings` grows whenever something comes of one. True when the limit is reached. */
  isReached(task: string, doings: number): boolean {
    if (doings !== this.#doings) {
      this.#doings = doings;
      this.#idle = 0;
      this.#steps.clear();
      return false;
    }
    this.#steps.set(task, (this.#steps.get(task) ?? 0) + 1);
    return ++this.#idle >= this.#limit;
  }

  /** Who ran since anything happened, the busiest first. */
  get busiest(): readonly BusyTask[] {
    const tasks = [...this.#steps].map(([task, steps]) => ({ task, steps }));
    return tasks.sort((a, b) => b.steps - a.steps).slice(0, MOST_NAMED);
  }
}
