// SPDX-License-Identifier: MIT
import type { CliContext } from "./cli-context.ts";
import { TextReader } from "./input/text-reader.ts";
import { type Colors, colorsFor } from "./style.ts";

/** What the process answers with. Nothing else is ever returned. */
export const ExitStatus = {
  /** Everything asked for was done, and nothing is wrong. */
  fine: 0,
  /** The answer is bad news: an expectation fails, a run is not coherent, a plan is impossible. */
  failed: 1,
  /** The command line or an input cannot be used. */
  badInput: 2,
  /** A fault of this program, as in the `EX_SOFTWARE` of sysexits.h. */
  internal: 70,
} as const;

/** One invocation of the command: what it may touch, and the status it will end with. */
export class Session {
  readonly context: CliContext;
  readonly reader: TextReader;
  /** Colours for standard output. */
  readonly colors: Colors;
  /** Set by a command that has bad news; bad input is thrown instead. */
  status: number = ExitStatus.fine;

  constructor(context: CliContext) {
    this.context = context;
    this.reader = new TextReader(context);
    this.colors = colorsFor(context.stdout, context.env);
  }

  /** Prints lines on standard output. */
  print(...lines: readonly string[]): void {
    if (lines.length > 0) this.context.stdout.write(`${lines.join("\n")}\n`);
  }

  /** Prints lines on standard error. */
  complain(...lines: readonly string[]): void {
    if (lines.length > 0) this.context.stderr.write(`${lines.join("\n")}\n`);
  }
}
