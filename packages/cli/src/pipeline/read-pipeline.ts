// SPDX-License-Identifier: MIT
import { type CoherencyChoice, InputError, type Pipeline } from "@dmabuf/core";
import type { FieldPath, InputDocument } from "../input/input-document.ts";
import { inputError, parseWith } from "../input/parse-with.ts";
import { quoted } from "../one-line.ts";
import { type Overlay, overlaySchema, pipelineSchema } from "./pipeline-schema.ts";

/** A pipeline file: what runs, and the board and kernel that it names. */
export interface PipelineFile {
  readonly pipeline: Pipeline;
  readonly board: string | null;
  readonly kernel: string | null;
  readonly coherency: CoherencyChoice | null;
  readonly document: InputDocument;
}

/**
 * The pipeline that a document holds, by its form alone; names are the platform's to check. Throws `InputError` with
 * file, line, column, field and reason; what the form will have later is named as such.
 */
export function readPipeline(document: InputDocument): PipelineFile {
  refuseLater(document);
  const { board = null, kernel = null, ...pipeline } = parseWith(pipelineSchema, document);
  return { pipeline, board, kernel, coherency: pipeline.coherency ?? null, document };
}

/** The overlay that a document holds. Throws `InputError` with file, line, column, field and reason. */
export const readOverlay = (document: InputDocument): Overlay => parseWith(overlaySchema, document);

/** Gives an error about a field of the pipeline the place of that field in its file. */
export function placed(error: InputError, document: InputDocument): InputError {
  const path = fieldPath(error.place);
  return path === null ? error : inputError(document, path, error.reason);
}

/** `stages[1].device` as a path; null for what is not one. */
function fieldPath(field: string): FieldPath | null {
  if (!/^(buffers|stages|exporter|frames)\b/.test(field)) return null;
  const [root = "", ...rest] = field.split(".");
  if (root === "buffers" && rest.length > 1)
    return [root, rest.slice(0, -1).join("."), rest.at(-1) as string];
  return field
    .split(/[.[\]]+/)
    .filter((step) => step !== "")
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

function refuseLater(document: InputDocument): void {
  const { value } = document;
  const at = (path: FieldPath): unknown =>
    path.reduce<unknown>((inner, step) => (inner as Record<PropertyKey, unknown> | undefined)?.[step], value);
  const later = (path: FieldPath, reason: string): never => {
    throw inputError(document, path, `${reason} is not supported yet`);
  };
  if (typeof value !== "object" || value === null) return;
  const buffers = at(["buffers"]);
  if (typeof buffers === "object" && buffers !== null) {
    for (const name of Object.keys(buffers)) {
      const format = at(["buffers", name, "format"]);
      if (typeof format === "string" && format !== "NV12")
        later(["buffers", name, "format"], `format ${quoted(format)}`);
      if (at(["buffers", name, "modifiers"]) !== undefined)
        later(["buffers", name, "modifiers"], "a list of modifiers");
    }
  }
  if (!Object.hasOwn(value, "exporter") && Object.hasOwn(value, "stages")) {
    throw new InputError(
      `${document.place([])}: document ${document.number}: exporter`,
      "is missing; leaving the choice to the planner is not supported yet",
    );
  }
}
