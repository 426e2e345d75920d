// SPDX-License-Identifier: MIT
import { packageFile, packageFolder } from "./package-file.ts";

/** One page of the findings reference, as it ships in reference/CODE.md. */
export interface ReferencePage {
  /** The finding's stable code. */
  readonly code: string;
  /** It belongs to the code. */
  readonly severity: "error" | "warning" | "note";
  /** What the finding means, in a sentence. */
  readonly summary: string;
  /** The whole page, Markdown. */
  readonly text: string;
}

const head = /^# (?<named>[\w-]+)\n\n\*\*(?<severity>error|warning|note)\*\*: (?<summary>[^\n]+)\n/;

/** The codes that have a page, in alphabetical order. */
export const referenceCodes = (): string[] =>
  packageFolder("reference").map((name) => name.replace(/\.md$/, ""));

/** The page of a code; throws `TypeError` when the page does not begin as every page must. */
export function referencePage(code: string): ReferencePage {
  const text = packageFile(`reference/${code}.md`);
  const { named, severity, summary } = head.exec(text)?.groups ?? {};
  if (named !== code || summary === undefined) {
    throw new TypeError(`reference/${code}.md does not begin with its code and severity`);
  }
  return { code, severity: severity as ReferencePage["severity"], summary, text };
}
