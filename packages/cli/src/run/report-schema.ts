// SPDX-License-Identifier: MIT
import { coherencyChoices, findingCodes } from "@dmabuf/core";
import { z } from "zod";

const text = z.string();
const count = z.int().min(0);
const range = z.tuple([count, count]).describe("Half-open byte range.");
const total = z
  .strictObject({ ops: count, bytes: count.describe("Of the lines worked through."), ns: count })
  .describe("Cache maintenance.");

const finding = z.strictObject({
  code: z.enum(findingCodes),
  severity: z.enum(["error", "warning", "note"]).describe("Belongs to the code."),
  stage: text.nullable(),
  device: text.nullable(),
  buffer: text.nullable(),
  range: range.nullable().describe("In the buffer, from the first affected byte to past the last."),
  frame: count.nullable().describe("The first frame it concerns, counted from 0."),
  time: count.describe("ns of the first occurrence."),
  count: z.int().min(1).describe("Occurrences: equal findings of later frames are one."),
  message: text,
  other: z
    .strictObject({ stage: text.nullable(), device: text.nullable(), time: count })
    .nullable()
    .describe("Who else has a part in it."),
  because: z.array(z.strictObject({ time: count, timeline: text, event: text, text })),
  witness: z
    .array(z.strictObject({ kind: z.enum(["operation", "event"]), text }))
    .nullable()
    .describe("The shortest way to it; events are what hardware does by itself."),
  fix: z.array(text),
  url: text,
});

/** The JSON of `dmabuf run`; absent is null, never missing. */
export const runReportSchema = z
  .strictObject({
    schema: z.literal(1),
    pipeline: text,
    board: text,
    kernel: text,
    coherency: z.enum(coherencyChoices),
    verdict: z.enum(["coherent", "incoherent", "impossible"]),
    assumptions: z.array(text).describe("What the verdict takes for granted."),
    findings: z.array(finding),
    maintenance: z.strictObject({ performed: total, required: total.nullable() }),
    waits: z
      .array(
        z.strictObject({
          stage: text.describe("Who waited."),
          for: text.describe("Who had published the fences."),
          why: text.describe("By what rule."),
          count: z.int().min(1).describe("How often it really had to wait."),
          ns: count,
        }),
      )
      .describe("Which stage waited for the fences of which."),
    cost: z.strictObject({ frames: count, ns: count, cpuNs: count }),
  })
  .describe("One run of a pipeline: one line of dmabuf run --format json.");
