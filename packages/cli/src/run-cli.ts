// SPDX-License-Identifier: MIT
import { AssemblyError, InputError } from "@dmabuf/core";
import { Command, CommanderError } from "commander";
import type { CliContext } from "./cli-context.ts";
import { commands } from "./commands/registry.ts";
import { nodeContext } from "./node-context.ts";
import { oneLine } from "./one-line.ts";
import { packageVersion } from "./package-file.ts";
import { ExitStatus, Session } from "./session.ts";

/**
 * Runs the command in this process and answers with its exit status: 0 fine, 1 bad news, 2 bad input, 70 a fault of
 * the command itself. It never throws and never ends the process.
 *
 * @param argv the words behind `dmabuf`.
 * @param context what the command touches; whatever is left out is the real process.
 */
export async function runCli(argv: readonly string[], context: Partial<CliContext> = {}): Promise<number> {
  const session = new Session({ ...nodeContext(), ...context });
  try {
    await assembleProgram(session).parseAsync([...argv], { from: "user" });
    return session.status;
  } catch (error) {
    return answer(error, session);
  }
}

function assembleProgram(session: Session): Command {
  const { stdout, stderr } = session.context;
  const program = new Command("dmabuf")
    .description("Judge DMA buffer sharing before hardware is broken: coherency, fences, reachability.")
    .version(packageVersion(), "--version", "print the version")
    .helpOption("-h, --help", "print this")
    .helpCommand("help [command]", "print the help of a command")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      // Errors are printed where all others are, as one line.
      outputError: () => undefined,
      getOutHelpWidth: () => stdout.columns ?? 100,
      getErrHelpWidth: () => stderr.columns ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText(
      "after",
      "\nExample:\n  $ dmabuf litmus examples/litmus   run the guided tour of cache coherency",
    );
  for (const register of commands) register(program, session);
  return program;
}

function answer(error: unknown, session: Session): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return ExitStatus.fine;
    if (error.code !== "commander.help") session.complain(`dmabuf: ${commandLineError(error)}`);
    return ExitStatus.badInput;
  }
  if (error instanceof InputError || error instanceof AssemblyError) {
    const placed = error instanceof InputError && error.place !== "";
    session.complain(oneLine(placed ? error.message : `dmabuf: ${error.message}`));
    return ExitStatus.badInput;
  }
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  session.complain(oneLine(`dmabuf: internal error: ${name}: ${message} (DMABUF_DEBUG=1 prints where)`));
  const { DMABUF_DEBUG: debug } = session.context.env;
  if (debug && stack !== undefined) session.complain(stack);
  return ExitStatus.internal;
}

/** Commander's message as one line: its suggestion stands on a line of its own. */
function commandLineError({ message }: CommanderError): string {
  const [reason = "", ...rest] = message.replace(/^error: /, "").split("\n");
  const suggestion = /\(Did you mean (.*)\?\)/.exec(rest.join(" "))?.[1];
  if (suggestion === undefined) return oneLine(`${reason.replace(/\.$/, "")}; see dmabuf --help`);
  return oneLine(`${reason}; did you mean "${suggestion.replace(/^one of /, "").split(", ")[0]}"?`);
}
