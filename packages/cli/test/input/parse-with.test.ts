// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { parseWith } from "../../src/input/parse-with.ts";
import { readDocuments } from "../../src/input/read-documents.ts";

const stage = z.union([
  z.strictObject({ device: z.string(), writes: z.string() }),
  z.strictObject({ cpu: z.literal(true), reads: z.string(), brackets: z.boolean().exactOptional() }),
]);

const schema = z.strictObject({
  pipeline: z.string().max(8),
  frames: z.int().min(1).max(1000).exactOptional(),
  scale: z.number().gt(0).lt(2).exactOptional(),
  buffers: z.record(z.string().min(1), z.strictObject({ size: z.union([z.int(), z.string()]) })),
  stages: z.array(stage).min(1).exactOptional(),
  pair: z.tuple([z.strictObject({ left: z.int() }), z.int()]).exactOptional(),
  even: z
    .int()
    .refine((value) => value % 2 === 0, "must be even")
    .exactOptional(),
});

const parse = (text: string): unknown =>
  readDocuments(text, "x.yaml").map((document) => parseWith(schema, document))[0];

const head = "pipeline: p\nbuffers: { b: { size: 1MiB } }\n";

test("what fits is given as the schema gives it", () => {
  expect(parse(`${head}frames: 3\n`)).toEqual({ pipeline: "p", buffers: { b: { size: "1MiB" } }, frames: 3 });
});

describe("what does not fit is one line", () => {
  test.each([
    ["framse: 3", 'x.yaml:3:1: document 1: framse: unknown key; did you mean "frames"?'],
    ["frames: 0", "x.yaml:3:9: document 1: frames: 0 is less than 1"],
    ["frames: 1001", "x.yaml:3:9: document 1: frames: 1001 is more than 1000"],
    ["scale: 0", "x.yaml:3:8: document 1: scale: 0 is less than or equal to 0"],
    ["scale: 2", "x.yaml:3:8: document 1: scale: 2 is more than or equal to 2"],
    ["even: 3", "x.yaml:3:7: document 1: even: must be even"],
    ["stages: []", "x.yaml:3:9: document 1: stages: needs at least 1 item"],
    ["stages: [7]", "x.yaml:3:10: document 1: stages[0]: must be a mapping, not 7"],
    ["stages: [{ cpu: true, reads: 5 }]", "x.yaml:3:30: document 1: stages[0].reads: must be text, not 5"],
    ["pair: [{ lfet: 1 }, 2]", 'x.yaml:3:10: document 1: pair[0].lfet: unknown key; did you mean "left"?'],
  ])("%s", (line, message) => {
    expect(() => parse(`${head}${line}\n`)).toThrow(message);
  });

  test("an unknown key of a mapping with free names", () => {
    expect(() => parse("pipeline: p\nbuffers: { b: { sise: 1 } }\n")).toThrow(
      'x.yaml:2:17: document 1: buffers.b.sise: unknown key; did you mean "size"?',
    );
    expect(() => parse('pipeline: p\nbuffers: { "a b": { size: [] } }\n')).toThrow(
      'x.yaml:2:27: document 1: buffers["a b"].size: must be a number or text, not a list',
    );
  });

  test("a value that is quoted is cut and made printable", () => {
    expect(() => parse(`${head}frames: "${"\\n".repeat(80)}"\n`)).toThrow(`not "${"\\n".repeat(57)}..."`);
    expect(() => parse(`pipeline: ${"p".repeat(9)}\n`)).toThrow("pipeline: is longer than 8 characters");
  });
});
