// SPDX-License-Identifier: MIT
import type { RegisterCommand } from "../command.ts";
import { registerBoard } from "./board.ts";
import { registerDemo } from "./demo.ts";
import { registerExplain } from "./explain.ts";
import { registerLitmus } from "./litmus.ts";
import { registerRun } from "./run.ts";

/** Every command, in the order of `dmabuf --help`. A new command is a new file and a line here. */
export const commands: readonly RegisterCommand[] = [
  registerRun,
  registerBoard,
  registerLitmus,
  registerExplain,
  registerDemo,
];
