// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runLitmus } from "@dmabuf/core/coherency";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { readDocuments } from "../../src/input/read-documents.ts";
import { jsonSchema } from "../../src/json-schema.ts";
import { readLitmus } from "../../src/litmus/read-litmus.ts";
import { run } from "../run.ts";
import { endsInHazard } from "./replay.ts";

const folder = fileURLToPath(new URL("../../../../examples/litmus/", import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
const published = z.fromJSONSchema(jsonSchema("litmus"));

test("the tour is long enough, and its numbers have no hole", () => {
  expect(files.length).toBeGreaterThanOrEqual(32);
  expect(files.map((name) => Number(name.slice(0, 2)))).toEqual(files.map((_, index) => index + 1));
});

describe.each(files)("%s", (name) => {
  const text = readFileSync(`${folder}${name}`, "utf8");
  const [document, ...others] = readDocuments(text, name);

  test("is one program, named like its file, that states everything it expects", () => {
    expect(others).toEqual([]);
    const program = readLitmus(document as NonNullable<typeof document>);
    expect(`${program.name}.yaml`).toBe(name.replace(/^\d+-/, ""));
    const races = program.timelines === undefined ? [] : ["races"];
    expect(Object.keys(program.expect ?? {})).toEqual(["stale", "lost", ...races]);
  });

  test("names its schema for editors, fits it, and derives what it expects", () => {
    expect(text).toMatch(
      /^# yaml-language-server: \$schema=\.\.\/\.\.\/packages\/cli\/schemas\/litmus\.schema\.json$/m,
    );
    expect(published.safeParse(document?.value).success).toBe(true);
    expect(text).toMatch(/^# By hand/m);
  });

  test("comes out as derived by hand", () => {
    const program = readLitmus(document as NonNullable<typeof document>);
    const { stale, lost, races } = runLitmus(program);
    const pairs = races.map(({ first, second }) => [first, second]);
    expect({ stale, lost, races: pairs }).toEqual({ races: [], ...program.expect });
  });

  test("every hazard's witness leads there by the tables of the command's own", () => {
    const program = readLitmus(document as NonNullable<typeof document>);
    const { hazards, stale, lost } = runLitmus(program);
    expect(hazards.length).toBe(stale.length + (lost === null ? 0 : 1));
    for (const hazard of hazards) expect(endsInHazard(program, hazard)).toBe(true);
  });
});

test("dmabuf litmus runs the folder", async () => {
  const { status, stdout } = await run(["litmus", "--brief", folder]);
  expect(status).toBe(0);
  expect(stdout.trimEnd().split("\n").at(-1)).toBe(`${files.length} programs: all as expected`);
});
