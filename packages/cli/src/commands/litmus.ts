// SPDX-License-Identifier: MIT
import { InputError } from "@dmabuf/core";
import { type LitmusResult, runLitmus, type TimedLitmusProgram } from "@dmabuf/core/coherency";
import { addCommand, type OutputFormat, type RegisterCommand } from "../command.ts";
import type { InputDocument } from "../input/input-document.ts";
import { readDocuments } from "../input/read-documents.ts";
import { hazardStory, raceStory } from "../litmus/litmus-story.ts";
import { readLitmus } from "../litmus/read-litmus.ts";
import { differences, verdictOf } from "../litmus/verdict.ts";
import { oneLine } from "../one-line.ts";
import { Progress } from "../progress.ts";
import { ExitStatus, type Session } from "../session.ts";

/** File endings that a folder's litmus programs have. */
const endings = [".yaml", ".yml", ".json", ".jsonl", ".ndjson"];

/** Stories told of one program; a long one has more hazards than anybody reads. */
const MOST_STORIES = 8;

interface LitmusOptions {
  readonly format: OutputFormat;
  readonly brief?: boolean;
}

/** Adds `dmabuf litmus FILE...`. */
export const registerLitmus: RegisterCommand = (program, session) => {
  addCommand(program, {
    name: "litmus",
    arguments: "<file...>",
    summary: "run litmus programs: which reads can be stale, which writes can be lost, which steps race",
    about: { file: "YAML, JSON or JSON Lines files, folders of them, or - for standard input" },
    examples: [
      ["dmabuf litmus examples/litmus", "run the guided tour"],
      ["dmabuf litmus --format json mine.yaml", "one line of JSON a program"],
      ["dmabuf litmus - < mine.yaml", "read standard input"],
    ],
    notes:
      "Exit status: 0 when every expectation holds, 1 when one fails, 2 when an input cannot be used.\n" +
      "A program's answer covers every eviction, write-back and speculative fill that hardware could do.",
  })
    .option("--brief", "one line a program: no stories")
    .action((files: string[], options: LitmusOptions) => litmus(session, files, options));
};

async function litmus(session: Session, sources: readonly string[], options: LitmusOptions): Promise<void> {
  const programs: { program: TimedLitmusProgram; document: InputDocument }[] = [];
  // Everything is read before anything runs: an input that cannot be used gives one line and nothing else.
  for (const file of await session.reader.expand(sources, endings)) {
    const { fileName, text } = await session.reader.read(file);
    const documents = readDocuments(text, fileName);
    if (documents.length === 0) throw new InputError(fileName, "there is no document in it");
    for (const document of documents) programs.push({ program: readLitmus(document), document });
  }
  const progress = new Progress(session.context, "programs");
  const report = new LitmusReport(session, options, programs);
  for (const [index, { program, document }] of programs.entries()) {
    progress.update(index, programs.length);
    const result = runLitmus(program);
    progress.clear();
    report.add(program, document, result);
  }
  report.end();
}

class LitmusReport {
  readonly #session: Session;
  readonly #options: LitmusOptions;
  readonly #nameWidth: number;
  readonly #told = new Set<string>();
  #count = 0;
  #failed = 0;

  constructor(
    session: Session,
    options: LitmusOptions,
    programs: readonly { program: TimedLitmusProgram }[],
  ) {
    this.#session = session;
    this.#options = options;
    this.#nameWidth = Math.min(
      48,
      Math.max(0, ...programs.map(({ program }) => oneLine(program.name).length)),
    );
  }

  add(program: TimedLitmusProgram, document: InputDocument, result: LitmusResult): void {
    const different = differences(program.expect, result);
    // Places are worked out from the text again, so only where one is printed.
    const place = different.length > 0 ? document.place(["expect"], "key") : "";
    this.#count++;
    if (different.length > 0) {
      this.#failed++;
      this.#session.status = ExitStatus.failed;
    }
    if (this.#options.format === "json") {
      const { name, stale, lost } = result;
      const races = result.races.map(({ first, second }) => [first, second]);
      // Only timelines can race: without them the answer has the form that it always had.
      const ordered = program.timelines === undefined ? {} : { races };
      this.#session.print(JSON.stringify({ name, stale, lost, ...ordered }));
      this.#session.complain(...different.map((text) => oneLine(`${place}: ${name}: ${text}`)));
    } else {
      this.#tell(program, result, place, different);
    }
  }

  end(): void {
    if (this.#options.format === "json") return;
    const { colors } = this.#session;
    const programs = `${this.#count} program${this.#count === 1 ? "" : "s"}`;
    const summary =
      this.#failed === 0
        ? colors.green(`${programs}: all as expected`)
        : colors.red(`${programs}: ${this.#failed} not as expected`);
    this.#session.print(...this.#legend(), summary);
  }

  /** What the stories take for granted, once, behind the last one. */
  #legend(): string[] {
    const { colors } = this.#session;
    if (this.#options.brief || this.#told.size === 0) return [];
    const explain = [...this.#told].sort().map((code) => `dmabuf explain ${code}`);
    const table =
      "new: the newest value of the byte; old: an earlier one; -: no line; by itself: hardware may, at any time";
    const tables = this.#told.has("stale-read") || this.#told.has("lost-write");
    return [
      ...(tables ? [colors.dim(table)] : []),
      colors.dim(`what it means on a board, and what to do: ${explain.join(", ")}`),
    ];
  }

  #tell(
    program: TimedLitmusProgram,
    result: LitmusResult,
    place: string,
    different: readonly string[],
  ): void {
    const { colors } = this.#session;
    const mark = different.length === 0 ? colors.green("ok  ") : colors.red("FAIL");
    this.#session.print(`${mark}  ${oneLine(program.name).padEnd(this.#nameWidth)}  ${verdictOf(result)}`);
    this.#session.print(...different.map((text) => oneLine(`      ${text} (${place})`)));
    if (this.#options.brief) return;
    const told = result.hazards.slice(0, MOST_STORIES);
    const races = result.races.slice(0, MOST_STORIES - told.length);
    const stories = [
      ...told.map((hazard) => hazardStory(program, hazard, colors)),
      ...races.map((race) => raceStory(program, race, colors)),
    ];
    for (const { code } of told) this.#told.add(code);
    if (races.length > 0) this.#told.add("race");
    for (const story of stories) this.#session.print("", ...story.map((line) => `      ${line}`.trimEnd()));
    const more = result.hazards.length + result.races.length - stories.length;
    if (more > 0) this.#session.print("", colors.dim(`      and ${more} more`));
    if (stories.length > 0) this.#session.print("");
  }
}
