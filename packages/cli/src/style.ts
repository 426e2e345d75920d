// SPDX-License-Identifier: MIT
import picocolors from "picocolors";
import type { CliContext, CliOutput } from "./cli-context.ts";

/** Colours for one output: only on a terminal that knows them, and never when NO_COLOR is set to anything. */
export function colorsFor(
  output: CliOutput,
  env: CliContext["env"],
): ReturnType<typeof picocolors.createColors> {
  const { NO_COLOR: unwanted, TERM: terminal } = env;
  return picocolors.createColors(output.isTTY === true && !unwanted && terminal !== "dumb");
}

/** What {@link colorsFor} gives. */
export type Colors = ReturnType<typeof colorsFor>;
