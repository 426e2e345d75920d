// SPDX-License-Identifier: MIT
import { InputError } from "@dmabuf/core";
import type { z } from "zod";
import type { FieldPath, InputDocument } from "./input-document.ts";
import { describeIssue } from "./issue.ts";

/** A path as people write it: `steps[1].range[0]`, `agents["left eye"].domain`. */
function fieldName(path: FieldPath): string {
  const steps = path.map((step) => {
    if (typeof step === "number") return `[${step}]`;
    const key = String(step);
    return /^[\w-]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
  });
  return steps.join("").replace(/^\./, "");
}

/** The error about one field: `file:line:column: document N: field: reason`. */
export function inputError(
  document: InputDocument,
  path: FieldPath,
  reason: string,
  at: "key" | "value" = "value",
): InputError {
  const field = path.length === 0 ? "" : `: ${fieldName(path)}`;
  return new InputError(`${document.place(path, at)}: document ${document.number}${field}`, reason);
}

/**
 * The document as the schema gives it. Throws `InputError` about the first thing that does not fit, with its place,
 * its field and, for a misspelt word, the nearest right one. A misspelt key is named before what it leaves missing.
 */
export function parseWith<S extends z.ZodType>(schema: S, document: InputDocument): z.output<S> {
  const parsed = schema.safeParse(document.value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? (issues[0] as z.core.$ZodIssue);
  const { path, reason, at } = describeIssue(issue, schema, document.value);
  throw inputError(document, path, reason, at);
}
