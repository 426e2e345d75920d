// SPDX-License-Identifier: MIT
import { InputError } from "@dmabuf/core";
import type { InputDocument } from "./input-document.ts";
import { jsonDocument, jsonLines } from "./json-document.ts";
import { yamlDocuments } from "./yaml-document.ts";

/**
 * Reads every document of a file: YAML, JSON, or JSON Lines (by the ending `.jsonl` or `.ndjson`, or because every
 * line is an object). Empty YAML documents are left out. The text is untrusted: duplicate keys, keys that are special
 * to JavaScript, aliases that explode and nesting without end throw `InputError` with file, line and column.
 */
export function readDocuments(text: string, fileName: string): InputDocument[] {
  if (/\.(jsonl|ndjson)$/i.test(fileName)) return jsonLines(text, fileName);
  const isJson = /\.json$/i.test(fileName);
  if (!isJson && !/^\s*\{/.test(text)) return yamlDocuments(text, fileName);
  if (text.trim() === "") return [];
  if (hasObjectOnEachLine(text)) return jsonLines(text, fileName);
  if (isJson) return [jsonDocument(text, { fileName })];
  try {
    return [jsonDocument(text, { fileName })];
  } catch (error) {
    // YAML may begin with a brace as well; what is wrong with it YAML's reader says.
    if (error instanceof InputError) return yamlDocuments(text, fileName);
    throw error;
  }
}

/** Several lines, each of which begins and ends as a JSON object does: no single JSON or YAML document looks so. */
function hasObjectOnEachLine(text: string): boolean {
  let lines = 0;
  for (const line of text.split("\n")) {
    const content = line.trim();
    if (content === "") continue;
    if (!content.startsWith("{") || !content.endsWith("}")) return false;
    lines++;
  }
  return lines > 1;
}
