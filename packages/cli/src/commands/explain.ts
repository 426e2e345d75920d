// SPDX-License-Identifier: MIT
import { InputError, nearestName } from "@dmabuf/core";
import { addCommand, type OutputFormat, type RegisterCommand } from "../command.ts";
import { quoted } from "../one-line.ts";
import { type ReferencePage, referenceCodes, referencePage } from "../reference-page.ts";
import type { Session } from "../session.ts";
import type { Colors } from "../style.ts";

/** Adds `dmabuf explain [CODE]`. */
export const registerExplain: RegisterCommand = (program, session) => {
  addCommand(program, {
    name: "explain",
    arguments: "[code...]",
    summary: "print the reference page of a finding; without a code, list them",
    about: { code: "codes of findings, or - to read them from standard input, one a line" },
    examples: [
      ["dmabuf explain stale-read", "what it means, how it shows, how to fix it"],
      ["dmabuf explain", "all codes with their severity"],
    ],
  }).action((codes: string[], options: { readonly format: OutputFormat }) =>
    explain(session, codes, options.format),
  );
};

async function explain(session: Session, asked: readonly string[], format: OutputFormat): Promise<void> {
  const known = referenceCodes();
  if (asked.length === 0) return list(session, known.map(referencePage), format);
  const codes: string[] = [];
  for (const code of asked) {
    if (code === "-")
      codes.push(...(await session.reader.read("-")).text.split(/\s+/).filter((word) => word !== ""));
    else codes.push(code);
  }
  const pages = codes.map((code) => {
    if (known.includes(code)) return referencePage(code);
    throw new InputError("", `no finding has the code ${quoted(code)}${nearestName(code, known)}`);
  });
  for (const page of pages) {
    if (format === "json") session.print(JSON.stringify(page));
    else session.print(render(page.text.trimEnd(), session.colors), ...(page === pages.at(-1) ? [] : [""]));
  }
}

function list(session: Session, pages: readonly ReferencePage[], format: OutputFormat): void {
  if (format === "json") {
    for (const { code, severity, summary } of pages)
      session.print(JSON.stringify({ code, severity, summary }));
    return;
  }
  const { colors } = session;
  const paint = { error: colors.red, warning: colors.yellow, note: colors.dim };
  const width = Math.max(...pages.map(({ code }) => code.length));
  for (const { code, severity, summary } of pages) {
    session.print(`${code.padEnd(width)}  ${paint[severity](severity.padEnd(7))}  ${summary}`);
  }
  session.print("", "dmabuf explain CODE prints the page of one.");
}

/** Markdown for a terminal: headings stand out, code is dimmed; on anything else it stays as it is. */
function render(markdown: string, colors: Colors): string {
  if (!colors.isColorSupported) return markdown;
  let fenced = false;
  const lines = markdown.split("\n").map((line) => {
    if (line.startsWith("```")) fenced = !fenced;
    if (fenced || line.startsWith("```")) return colors.dim(line);
    if (line.startsWith("#")) return colors.bold(line.replace(/^#+ /, ""));
    return line
      .replace(/\*\*([^*]+)\*\*/g, (_, text: string) => colors.bold(text))
      .replace(/`([^`]+)`/g, (_, text: string) => colors.cyan(text));
  });
  return lines.join("\n");
}
