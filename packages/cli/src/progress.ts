// SPDX-License-Identifier: MIT
import type { CliContext } from "./cli-context.ts";

/** How long a command works in silence, in milliseconds. */
const PATIENCE = 1000;
/** How often progress is shown on a terminal, and where it is not one, in milliseconds. */
const PERIOD = { terminal: 100, other: 5000 } as const;

/**
 * Progress on standard error, from the moment that a command has taken longer than a second: one line that is
 * rewritten on a terminal, a line every five seconds elsewhere.
 */
export class Progress {
  readonly #context: Pick<CliContext, "stderr" | "now">;
  readonly #what: string;
  #next: number;
  #shown = false;

  /** @param what the unit of what is counted, for example `programs`. */
  constructor(context: Pick<CliContext, "stderr" | "now">, what: string) {
    this.#context = context;
    this.#what = what;
    this.#next = context.now() + PATIENCE;
  }

  /** Says that `done` of `total` are finished. */
  update(done: number, total: number): void {
    const now = this.#context.now();
    if (now < this.#next) return;
    const { stderr } = this.#context;
    const text = `${done} of ${total} ${this.#what}`;
    stderr.write(stderr.isTTY ? `\r${text}\u001b[K` : `${text}\n`);
    this.#shown = stderr.isTTY === true;
    this.#next = now + (stderr.isTTY ? PERIOD.terminal : PERIOD.other);
  }

  /** Takes the line away again; to be called before anything else is printed, and at the end. */
  clear(): void {
    if (this.#shown) this.#context.stderr.write("\r\u001b[K");
    this.#shown = false;
  }
}
