// SPDX-License-Identifier: MIT
import { InputError } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { readDocuments } from "../../src/input/read-documents.ts";
import { programText, run } from "../run.ts";

const values = (text: string, fileName = "x.yaml"): unknown[] =>
  readDocuments(text, fileName).map(({ value }) => value);

function refusal(text: string, fileName = "x.yaml"): string {
  try {
    readDocuments(text, fileName);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return "";
}

describe("documents", () => {
  test("YAML: several in a file, empty ones left out", () => {
    expect(values("a: 1\n---\nb: [x, 0x10, true, null, 1.5]\n---\n# nothing\n")).toEqual([
      { a: 1 },
      { b: ["x", 16, true, null, 1.5] },
    ]);
    expect(values("")).toEqual([]);
    expect(values("---\n---\n# nothing\n")).toEqual([]);
    expect(values("null\n")).toEqual([null]);
    expect(readDocuments("---\n---\na: 1\n", "x").map(({ number }) => number)).toEqual([1]);
  });

  test("JSON: by its ending, or because it looks so", () => {
    expect(values('{\n\t"a": [1, {"b": "\\ud83d\\ude00"}]\n}', "x.json")).toEqual([{ a: [1, { b: "😀" }] }]);
    expect(values('{"a": 1}', "stdin")).toEqual([{ a: 1 }]);
    expect(values("{a: 1}", "stdin")).toEqual([{ a: 1 }]);
    expect(values(" \n", "x.json")).toEqual([]);
  });

  test("JSON Lines: by its ending, or because every line is an object", () => {
    expect(values('{"a": 1}\n\n{"b": 2}\r\n', "stdin")).toEqual([{ a: 1 }, { b: 2 }]);
    expect(values('{"a": 1}\n{"b": 2}\n', "x.json")).toEqual([{ a: 1 }, { b: 2 }]);
    expect(values('{"a": 1}\n', "x.jsonl")).toEqual([{ a: 1 }]);
    expect(readDocuments('\n{"a": 1}\n{"b": {"c": 2}}\n', "x.ndjson")[1]?.place(["b", "c"])).toBe(
      "x.ndjson:3:13",
    );
  });

  test("aliases repeat values, and merge keys are ordinary keys", () => {
    expect(values("a: &a [1, 2]\nb: *a\n")).toEqual([{ a: [1, 2], b: [1, 2] }]);
    expect(values("<<: { a: 1 }\n")).toEqual([{ "<<": { a: 1 } }]);
  });

  test.each(["toString", "hasOwnProperty", "valueOf"])("the key %s is as good as any", (key) => {
    expect(values(`${key}: 1\n`)).toEqual([{ [key]: 1 }]);
  });
});

describe("places", () => {
  const yaml =
    "name: x\nsteps:\n  - { agent: cpu,\n      range: [0, 64] }\n  - &late { agent: dma }\n  - *late\nempty:\n";
  const json = '{\n  "name": "x",\n  "steps": [\n    { "agent": "cpu",\n      "range": [0, 64] }\n  ]\n}\n';

  test.each([
    [["name"], "x:1:7"],
    [["steps", 0, "agent"], "x:3:14"],
    [["steps", 0, "range", 1], "x:4:18"],
    [["steps", 0, "absent", "more"], "x:3:5"],
    [["steps", 2, "agent"], "x:5:20"],
    [["empty"], "x:7:7"],
    [[], "x:1:1"],
  ])("YAML %j", (path, place) => {
    expect(readDocuments(yaml, "x")[0]?.place(path)).toBe(place);
  });

  test.each([
    [["name"], "x:2:11"],
    [["steps", 0, "agent"], "x:4:16"],
    [["steps", 0, "range", 1], "x:5:20"],
    [["steps", 0, "absent"], "x:4:5"],
    [[], "x:1:1"],
  ])("JSON %j", (path, place) => {
    expect(readDocuments(json, "x")[0]?.place(path)).toBe(place);
  });

  test("of a key", () => {
    expect(readDocuments(yaml, "x")[0]?.place(["steps", 0, "range"], "key")).toBe("x:4:7");
    expect(readDocuments(json, "x")[0]?.place(["steps", 0, "range"], "key")).toBe("x:5:7");
  });
});

describe("untrusted input is refused in one line", () => {
  const bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
  for (let level = 1; level < 12; level++) {
    bomb.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(", ")}]`);
  }

  test.each<[string, string, RegExp]>([
    [
      "aliases that explode",
      bomb.join("\n"),
      /^x\.yaml:\d:\d+: document 1: more than 500000 values, counting/,
    ],
    [
      "an alias inside its own anchor",
      "a: &a [*a]",
      /^x\.yaml:1:8: document 1: alias "a" has no anchor before it$/,
    ],
    ["a duplicate key", "a: 1\nb: 2\na: 3\n", /^x\.yaml:3:1: document 1: the key "a" stands here twice$/],
    [
      "keys that differ in type only",
      '1: a\n"1": b\n',
      /^x\.yaml:2:1: document 1: the key "1" stands here twice$/,
    ],
    [
      "__proto__",
      "a: { __proto__: { b: 1 } }",
      /^x\.yaml:1:6: document 1: the key "__proto__" is not allowed$/,
    ],
    ["constructor", "constructor: 1", /: the key "constructor" is not allowed$/],
    ["deep lists", "[".repeat(200_000), /^x\.yaml:1:\d+: nested more than 64 deep$/],
    ["deep lists in blocks", "- ".repeat(200_000), /: nested more than 64 deep$/],
    ["deep keys", "? ".repeat(200_000), /: nested more than 64 deep$/],
    ["a chain of aliases", chain(80), /: document 1: nested more than 64 deep$/],
    ["a list as a key", "? [a]\n: 1", /: a key must be a word, not empty, a list or a mapping$/],
    ["a tag", 'a: !!js/function "x"', /^x\.yaml:1:4: document 1: unresolved tag/],
    ["a set", "!!set { a }", /^x\.yaml:1:1: document 1: unresolved tag/],
    ["an endless document", "- 1\n".repeat(300_000), /: this document is absurdly long$/],
    [
      "an endless file",
      "a".repeat(2 ** 23),
      /^x\.yaml: more than 4 MiB of YAML; write that much as JSON Lines$/,
    ],
    ["an open quote", 'a: "b', /^x\.yaml:1:6: document 1: missing closing "quote$/],
    ["a second document's fault", "a: 1\n---\nb: [\n", /^x\.yaml:4:1: document 2: /],
  ])("YAML: %s", (_, text, line) => {
    const message = refusal(text);
    expect(message).toMatch(line);
    expect(message).not.toContain("\n");
  });

  test.each<[string, string, RegExp]>([
    ["a duplicate key", '{"a": 1,\n "a": 2}', /^x\.json:2:2: document 1: the key "a" stands here twice$/],
    ["an escaped duplicate", '{"a": 1, "\\u0061": 2}', /: the key "a" stands here twice$/],
    ["__proto__", '{"a": {"__proto__": 1}}', /^x\.json:1:8: document 1: the key "__proto__" is not allowed$/],
    ["deep lists", "[".repeat(200_000), /^x\.json:1:65: document 1: nested more than 64 deep$/],
    ["deep objects", '{"a":'.repeat(200_000), /: nested more than 64 deep$/],
    ["a trailing comma", "[1,]", /^x\.json:1:4: document 1: no JSON value begins here$/],
    ["a missing colon", '{"a" 1}', /: expected a colon behind the key$/],
    ["an unquoted key", "{a: 1}", /: expected a key in double quotes$/],
    ["an end too early", '{"a": ', /: the text ends in the middle of a value$/],
    ["an open string", '{"a": "b', /: this string does not end$/],
    [
      "an unknown escape",
      '{"a": "\\x"}',
      /: this string has a line break or an escape that JSON does not know$/,
    ],
    ["something behind the end", '{"a": 1} x', /: something stands behind the end of the value$/],
    ["a missing comma", "[1 2]", /: expected a comma or the end of the list$/],
  ])("JSON: %s", (_, text, line) => {
    expect(refusal(text, "x.json")).toMatch(line);
  });

  test("the fault of one JSON line is named by its line and document", () => {
    expect(refusal('{"a": 1}\n\n{"b": }\n', "x.jsonl")).toBe(
      "x.jsonl:3:7: document 2: no JSON value begins here",
    );
  });

  test.each<[string, Uint8Array, string]>([
    ["bytes that are not UTF-8", Buffer.from("name: x\nb: \xff\n", "latin1"), "a.yaml:2: not UTF-8 text\n"],
    ["UTF-16", Buffer.from("\ufeffname: x\n", "utf16le"), "a.yaml:1: not UTF-8 text\n"],
    ["a cut character", Buffer.from("é").subarray(0, 1), "a.yaml:1: not UTF-8 text\n"],
    ["a device tree blob", Buffer.from("name\n\0\0"), "a.yaml:2: a NUL byte: this is no text\n"],
    ["an endless file", new Uint8Array(64 * 2 ** 20 + 1).fill(32), "a.yaml: more than 64 MiB\n"],
    ["an empty file", Buffer.from(""), "a.yaml: there is no document in it\n"],
    ["a comment", Buffer.from("# name: x\n"), "a.yaml: there is no document in it\n"],
  ])("files: %s", async (_, bytes, stderr) => {
    expect(await run(["litmus", "a.yaml"], { files: { "a.yaml": bytes } })).toEqual({
      status: 2,
      stdout: "",
      stderr,
    });
  });

  test("an endless standard input stops being read", async () => {
    const chunk = new Uint8Array(2 ** 20).fill(32);
    let chunks = 0;
    const { runCli } = await import("../../src/run-cli.ts");
    let stderr = "";
    const status = await runCli(["litmus", "-"], {
      stdin: (async function* () {
        for (;;) {
          chunks++;
          yield chunk;
        }
      })(),
      stdout: { write: () => undefined },
      stderr: { write: (text) => (stderr += text) },
      env: {},
    });
    expect([status, stderr, chunks]).toEqual([2, "stdin: more than 64 MiB\n", 65]);
  });

  test("a byte order mark and Windows line ends are fine", async () => {
    const files = { "a.yaml": `\ufeff${programText().replaceAll("\n", "\r\n")}` };
    expect((await run(["litmus", "a.yaml"], { files })).status).toBe(0);
  });
});

function chain(length: number): string {
  const lines = ["a0: &a0 [1]"];
  for (let index = 1; index < length; index++) lines.push(`a${index}: &a${index} [*a${index - 1}]`);
  return lines.join("\n");
}
