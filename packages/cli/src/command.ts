// SPDX-License-Identifier: MIT
import { type Command, Option } from "commander";
import { packageVersion } from "./package-file.ts";
import type { Session } from "./session.ts";

/** What a command's `--help` says, besides its own options. */
export interface CommandDescription {
  readonly name: string;
  /** Its arguments in commander's notation, for example `<file...>`; empty for none. */
  readonly arguments: string;
  /** One sentence. */
  readonly summary: string;
  /** What the arguments are, by name. */
  readonly about?: Readonly<Record<string, string>>;
  /** Command lines to copy, with what they do. */
  readonly examples: readonly (readonly [line: string, does: string])[];
  /** A further paragraph: exit status, or what to know. */
  readonly notes?: string;
}

/** The two ways in which every command prints. */
export type OutputFormat = "text" | "json";

/** Adds itself to the program; every file in commands/ exports one. */
export type RegisterCommand = (program: Command, session: Session) => void;

/**
 * Adds a command with what all of them have: `--format`, `--version`, `--help` with examples. Its arguments and
 * options can be misspelt: the answer is one line with the nearest right name.
 */
export function addCommand(program: Command, description: CommandDescription): Command {
  const { name, summary, examples, notes, about = {} } = description;
  const command = program.command(name).summary(summary).description(summary);
  for (const argument of description.arguments.split(" ").filter((word) => word !== "")) {
    command.argument(argument, about[argument.replace(/[<>[\].]/g, "")]);
  }
  const width = Math.max(...examples.map(([line]) => line.length));
  const shown = examples.map(([line, does]) => `  $ ${line.padEnd(width)}   ${does}`).join("\n");
  return command
    .addOption(new Option("--format <format>", "how to print").choices(["text", "json"]).default("text"))
    .version(packageVersion(), "--version", "print the version")
    .helpOption("-h, --help", "print this")
    .addHelpText(
      "after",
      `\n${examples.length === 1 ? "Example" : "Examples"}:\n${shown}${notes ? `\n\n${notes}` : ""}`,
    );
}
