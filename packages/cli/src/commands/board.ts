// SPDX-License-Identifier: MIT
import { describeBoard, readDeviceTree } from "@dmabuf/devicetree";
import { boardText } from "../board/board-text.ts";
import { describedBoard } from "../board/described-board.ts";
import { addCommand, type OutputFormat, type RegisterCommand } from "../command.ts";
import { boardNames, platformFor } from "../run/board-choice.ts";
import type { Session } from "../session.ts";

interface BoardOptions {
  readonly format: OutputFormat;
  readonly all?: boolean;
}

/** Adds `dmabuf board BOARD`. */
export const registerBoard: RegisterCommand = (program, session) => {
  addCommand(program, {
    name: "board",
    arguments: "<blob>",
    summary: "the DMA masters of a board: coherency, windows, IOMMUs, pools, and who can share with whom",
    about: {
      blob: "a flattened device tree (.dtb), - for standard input, a built-in board's name, or a module",
    },
    examples: [
      ["dmabuf board zynqmp", "a built-in board"],
      ["dmabuf board board.dtb", "masters, pools, and what sharing takes"],
      ["dmabuf board my-board.mjs", "a platform of your own"],
      ["dmabuf board board.dtb --format json", "everything, for programs"],
    ],
    notes: "Exit status: 0; 2 when the blob cannot be read.",
  })
    .option("--all", "every pair of masters, also those that share directly")
    .action((file: string, options: BoardOptions) => board(session, file, options));
};

async function board(session: Session, file: string, { format, all = false }: BoardOptions): Promise<void> {
  const isPlatform = boardNames.includes(file) || /\.[cm]?[jt]s$/i.test(file);
  const facts = isPlatform
    ? describedBoard(await platformFor(session, file, null))
    : describeBoard(readDeviceTree(await session.reader.readBytes(file), file === "-" ? "stdin" : file));
  if (format === "json") session.print(JSON.stringify(facts));
  else session.print(...boardText(facts, session.colors, all));
}
