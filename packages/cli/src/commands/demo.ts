// SPDX-License-Identifier: MIT
import { coherencyChoices } from "@dmabuf/core";
import { addCommand, type RegisterCommand } from "../command.ts";
import { comparisonText } from "../run/comparison-text.ts";
import { findingText, verdictText } from "../run/run-text.ts";
import type { Session } from "../session.ts";
import { boardOf, readPipelineFile, runPipeline } from "./run.ts";

/** Adds `dmabuf demo PIPELINE`, which is what `npm start` runs. */
export const registerDemo: RegisterCommand = (program, session) => {
  addCommand(program, {
    name: "demo",
    arguments: "<pipeline>",
    summary: "the tour in one screen: a board, a pipeline, every coherency policy, and the first finding",
    about: { pipeline: "a YAML or JSON file that names its board" },
    examples: [["dmabuf demo examples/pipelines/zynq-usb-to-dac.yaml", "what npm start shows"]],
  }).action((file: string) => demo(session, file));
};

async function demo(session: Session, file: string): Promise<void> {
  const { colors } = session;
  const input = await readPipelineFile(session, file);
  const platform = await boardOf(session, input);
  const { model, devices } = platform.board;
  const named = (coherent: boolean): string =>
    Object.entries(devices)
      .filter(([, device]) => device.coherent === coherent)
      .map(([name]) => name)
      .join(" ");
  const stages = input.pipeline.stages.map((stage) => {
    const who = "device" in stage ? stage.device : "the CPU";
    return [
      ...(stage.writes === undefined ? [] : [`${who} writes ${stage.writes}`]),
      ...(stage.reads === undefined ? [] : [`${who} reads ${stage.reads}`]),
    ].join(" and ");
  });
  const reports = runPipeline(session, platform, input, coherencyChoices);
  session.print(
    `${colors.bold(model)}: who sees the CPU's caches, and who does not`,
    `  coherent      ${named(true)}`,
    `  not coherent  ${named(false)}`,
    "",
    `${colors.bold(input.pipeline.pipeline ?? file)}: ${stages.join(", then ")}; buffers from ${input.pipeline.exporter}`,
    "",
    ...comparisonText(reports, colors),
  );
  const [kernel] = reports;
  const first = kernel?.findings.find(({ severity }) => severity === "error");
  if (kernel !== undefined && first !== undefined) {
    const verdict = verdictText(kernel.verdict, colors);
    session.print(
      "",
      `What ${kernel.kernel} does by itself is ${verdict}:`,
      "",
      ...findingText(first, colors),
    );
  }
  session.print(
    "",
    colors.bold("go on"),
    "  npm run dmabuf -- run examples/pipelines/zynq-adc-to-usb.yaml   another pair, which needs nothing",
    "  npm run dmabuf -- board BOARD.dtb                               your own board: who can share with whom",
    "  npm run dmabuf -- litmus examples/litmus                        why, in small programs",
    "  npm run dmabuf -- explain stale-read                            what it means and what to do",
  );
}
