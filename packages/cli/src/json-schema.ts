// SPDX-License-Identifier: MIT
import { z } from "zod";
import { boardFactsSchema } from "./board/board-schema.ts";
import { litmusOutputSchema, litmusProgramSchema } from "./litmus/litmus-schema.ts";
import { overlaySchema, pipelineSchema } from "./pipeline/pipeline-schema.ts";
import { runReportSchema } from "./run/report-schema.ts";

/**
 * The JSON Schemas that ship in schemas/NAME.schema.json, one for each input and each output. A test keeps the files
 * true; `vitest run --project cli -u` writes them.
 */
export const publishedSchemas: Readonly<
  Record<string, { readonly title: string; readonly schema: z.ZodType }>
> = {
  litmus: { title: "dmabuf litmus program", schema: litmusProgramSchema },
  pipeline: { title: "dmabuf pipeline", schema: pipelineSchema },
  overlay: { title: "dmabuf overlay", schema: overlaySchema },
  run: { title: "dmabuf run output", schema: runReportSchema },
  board: { title: "dmabuf board output", schema: boardFactsSchema },
  "litmus-output": { title: "dmabuf litmus output", schema: litmusOutputSchema },
};

/** One of the published schemas as JSON Schema draft 7, which every editor knows. */
export function jsonSchema(name: string): Readonly<Record<string, unknown>> {
  const published = publishedSchemas[name];
  if (published === undefined) throw new TypeError(`no published schema "${name}"`);
  const { $schema, ...rest } = z.toJSONSchema(published.schema, { target: "draft-7", io: "input" });
  return { $schema, title: published.title, ...rest };
}
