// SPDX-License-Identifier: MIT
import {
  type CoherencyChoice,
  coherencyChoices,
  InputError,
  kernelProfiles,
  nearestName,
  type Platform,
  type RunReport,
} from "@dmabuf/core";
import { addCommand, type OutputFormat, type RegisterCommand } from "../command.ts";
import { readDocuments } from "../input/read-documents.ts";
import { type PipelineFile, placed, readPipeline } from "../pipeline/read-pipeline.ts";
import { Progress } from "../progress.ts";
import { boardNames, platformFor } from "../run/board-choice.ts";
import { comparisonText } from "../run/comparison-text.ts";
import { runText } from "../run/run-text.ts";
import { ExitStatus, type Session } from "../session.ts";

interface RunOptions {
  readonly format: OutputFormat;
  readonly board?: string;
  readonly overlay?: string;
  readonly kernel?: string;
  readonly coherency?: string;
}

/** Adds `dmabuf run PIPELINE`. */
export const registerRun: RegisterCommand = (program, session) => {
  addCommand(program, {
    name: "run",
    arguments: "<pipeline>",
    summary: "run a pipeline on a board: verdict, findings, cost",
    about: { pipeline: "a YAML or JSON file, or - for standard input" },
    examples: [
      ["dmabuf run usb-to-dac.yaml --board zynqmp", "what Linux 6.12 does on a ZCU102"],
      ["dmabuf run usb-to-dac.yaml --coherency all", "every answer to who keeps devices coherent"],
      ["dmabuf run usb-to-dac.yaml --board my.dtb --overlay fabric.yaml", "your board, with your fabric"],
    ],
    notes:
      `Boards: ${boardNames.join(", ")}, the .dtb of a Zynq, or a module whose default export makes a platform.\n` +
      "Exit status: 0 coherent; 1 not coherent, impossible, or an error was found; 2 when an input cannot be used.",
  })
    .option("--board <board>", "name, .dtb file or module; wins over the pipeline's")
    .option("--overlay <file>", "YAML that adds masters to the board or changes facts")
    .option(
      "--kernel <profile>",
      `whose behaviour: ${Object.keys(kernelProfiles).join(", ")} (default: linux612)`,
    )
    .option("--coherency <policy>", `${coherencyChoices.join(", ")}, or all to compare them`)
    .action((file: string, options: RunOptions) => run(session, file, options));
};

async function run(session: Session, file: string, options: RunOptions): Promise<void> {
  const input = await readPipelineFile(session, file);
  const choices = coherencyOf(options.coherency, input);
  const platform = await boardOf(session, input, options);
  const reports = runPipeline(session, platform, input, choices, options.kernel);
  if (options.format === "json") session.print(...reports.map((report) => JSON.stringify(report)));
  else if (options.coherency === "all") session.print(...comparisonText(reports, session.colors));
  else session.print(...reports.flatMap((report) => runText(report, session.colors)));
  const bad = reports.some(
    ({ verdict, findings }) =>
      verdict !== "coherent" || findings.some(({ severity }) => severity === "error"),
  );
  if (bad) session.status = ExitStatus.failed;
}

/** Reads the one pipeline of a file. */
export async function readPipelineFile(session: Session, file: string): Promise<PipelineFile> {
  const { fileName, text } = await session.reader.read(file);
  const documents = readDocuments(text, fileName);
  const [document] = documents;
  if (document === undefined || documents.length > 1) {
    throw new InputError(fileName, `a pipeline is one document; there are ${documents.length}`);
  }
  return readPipeline(document);
}

/** The platform that the options or the pipeline name. */
export async function boardOf(
  session: Session,
  input: PipelineFile,
  options: Pick<RunOptions, "board" | "overlay"> = {},
): Promise<Platform> {
  const board = options.board ?? input.board;
  if (board === null) {
    throw new InputError(input.document.place([]), "no board; write board: in the pipeline or pass --board");
  }
  return platformFor(session, board, options.overlay ?? null);
}

/** Runs a pipeline under some policies, on the kernel of that name or the one that the file names. */
export function runPipeline(
  session: Session,
  platform: Platform,
  input: PipelineFile,
  choices: readonly CoherencyChoice[],
  profile = input.kernel ?? "linux612",
): RunReport[] {
  const kernel = Object.hasOwn(kernelProfiles, profile) ? kernelProfiles[profile] : undefined;
  if (kernel === undefined) {
    throw new InputError("", `no kernel "${profile}"${nearestName(profile, Object.keys(kernelProfiles))}`);
  }
  const progress = new Progress(session.context, "policies");
  return choices.map((coherency, i) => {
    progress.update(i, choices.length);
    try {
      const report = platform.run(input.pipeline, { kernel, coherency });
      progress.clear();
      return report;
    } catch (error) {
      throw error instanceof InputError ? placed(error, input.document) : error;
    }
  });
}

function coherencyOf(option: string | undefined, { coherency }: PipelineFile): readonly CoherencyChoice[] {
  if (option === undefined) return [coherency ?? "kernel"];
  if (option === "all") return coherencyChoices;
  const known = coherencyChoices.find((choice) => choice === option);
  if (known !== undefined) return [known];
  throw new InputError(
    "",
    `no coherency policy "${option}"${nearestName(option, [...coherencyChoices, "all"])}`,
  );
}
