// SPDX-License-Identifier: MIT
import { InputError } from "@dmabuf/core";
import type { InputDocument } from "./input-document.ts";
import { JsonFault, offsetInJson, readJson } from "./json-reader.ts";

/** Where a JSON text stands: in a file of its own, or on one line of a JSON Lines file. */
export interface JsonSource {
  readonly fileName: string;
  /** Line of the file that the text begins on; 1 unless said otherwise. */
  readonly firstLine?: number;
  /** Number of the document; 1 unless said otherwise. */
  readonly number?: number;
}

/** The document that a JSON text is. Throws `InputError` with file, line and column at the first fault. */
export function jsonDocument(
  text: string,
  { fileName, firstLine = 1, number = 1 }: JsonSource,
): InputDocument {
  const at = (offset: number): string => {
    const before = text.slice(0, offset).split("\n");
    return `${fileName}:${firstLine + before.length - 1}:${(before.at(-1) as string).length + 1}`;
  };
  try {
    const value = readJson(text);
    return { fileName, number, value, place: (path, which = "value") => at(offsetInJson(text, path, which)) };
  } catch (error) {
    if (error instanceof JsonFault)
      throw new InputError(`${at(error.offset)}: document ${number}`, error.message);
    throw error;
  }
}

/** The documents of a JSON Lines text: one a line, blank lines left out. */
export function jsonLines(text: string, fileName: string): InputDocument[] {
  const documents: InputDocument[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    documents.push(jsonDocument(line, { fileName, firstLine: index + 1, number: documents.length + 1 }));
  }
  return documents;
}
