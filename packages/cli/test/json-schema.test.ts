// SPDX-License-Identifier: MIT
import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";
import { jsonSchema, publishedSchemas } from "../src/json-schema.ts";
import { run } from "./run.ts";

/** JSON as the formatter leaves it: lists of plain values on one line where they fit. */
function formatted(value: unknown, indent = ""): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const flat = `[${value.map((item) => JSON.stringify(item)).join(", ")}]`;
    if (value.every((item) => typeof item !== "object")) return flat;
    return `[\n${value.map((item) => inner + formatted(item, inner)).join(",\n")}\n${indent}]`;
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return "{}";
  const lines = entries.map(([key, item]) => `${inner}${JSON.stringify(key)}: ${formatted(item, inner)}`);
  return `{\n${lines.join(",\n")}\n${indent}}`;
}

test.each(Object.keys(publishedSchemas))(
  "schemas/%s.schema.json is what the command checks",
  async (name) => {
    await expect(`${formatted(jsonSchema(name))}\n`).toMatchFileSnapshot(`../schemas/${name}.schema.json`);
  },
);

test("there is no other schema", () => {
  const files = readdirSync(new URL("../schemas/", import.meta.url)).sort();
  expect(files).toEqual(
    Object.keys(publishedSchemas)
      .map((name) => `${name}.schema.json`)
      .sort(),
  );
});

test("the output of litmus fits its schema", async () => {
  const schema = z.fromJSONSchema(jsonSchema("litmus-output"));
  const program = {
    name: "x",
    domains: { cpu: { line: 64 } },
    agents: { cpu: { route: "cached", domain: "cpu" }, dma: { route: "direct" } },
    buffer: { size: "4KiB" },
    steps: [
      { agent: "cpu", op: "write", range: [0, 4096] },
      { agent: "dma", op: "write", range: [0, 64] },
      { agent: "dma", op: "read", range: [0, 64] },
    ],
  };
  const { stdout } = await run(["litmus", "--format", "json", "-"], { stdin: JSON.stringify(program) });
  const output: unknown = JSON.parse(stdout);
  expect(output).toEqual({ name: "x", stale: [2], lost: 1 });
  expect(schema.safeParse(output).success).toBe(true);
  expect(schema.safeParse({ name: "x", stale: [2] }).success).toBe(false);
});
