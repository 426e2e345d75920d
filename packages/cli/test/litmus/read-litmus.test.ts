// SPDX-License-Identifier: MIT
import { InputError } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { readDocuments } from "../../src/input/read-documents.ts";
import { readLitmus } from "../../src/litmus/read-litmus.ts";
import { programText } from "../run.ts";

const read = (text: string) => readDocuments(text, "x.yaml").map(readLitmus);

function refusal(replaced: Readonly<Record<string, string>>): string {
  try {
    read(programText(replaced));
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return "";
}

const step = (text: string) => ({ write: `  - { ${text} }` });

describe("a litmus program", () => {
  test("is read as it is written", () => {
    const [program] = read(
      programText({
        domains: "domains: { cpu: { line: 32, speculates: false, evicts: false } }",
        agents:
          "agents: { cpu: { route: cached, domain: cpu }, dma: { route: direct }, acp: { route: snoop, domain: cpu, writes: allocate } }",
        buffer: "buffer: { size: 4KiB }",
      }),
    );
    expect(program).toEqual({
      name: "forgotten-clean",
      domains: { cpu: { line: 32, speculates: false, evicts: false } },
      agents: {
        cpu: { route: "cached", domain: "cpu" },
        dma: { route: "direct" },
        acp: { route: "snoop", domain: "cpu", writes: "allocate" },
      },
      buffer: { size: 4096 },
      steps: [
        { agent: "cpu", op: "write", range: [0, 4096] },
        { agent: "dma", op: "read", range: [0, 4096] },
      ],
      expect: { stale: [1], lost: null },
    });
  });

  test.each([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096])(
    "may have lines of %i bytes",
    (line) => {
      expect(read(programText({ domains: `domains: { cpu: { line: ${line} } }` }))).toHaveLength(1);
    },
  );

  test("may have names that mean something to JavaScript objects", () => {
    const names = programText({
      agents: "agents: { toString: { route: direct }, valueOf: { route: direct } }",
      write: "  - { agent: toString, op: write, range: [0, 1] }",
      read: "",
    });
    expect(read(names)).toHaveLength(1);
    expect(refusal(step("agent: hasOwnProperty, op: read, range: [0, 1]"))).toContain(
      'no agent "hasOwnProperty"',
    );
  });
});

describe("what does not fit is named with its place, its field and the nearest right word", () => {
  test.each<[string, Readonly<Record<string, string>>]>([
    [
      'x.yaml:6:14: document 1: steps[0].agent: no agent "dam"; did you mean "dma"?',
      step("agent: dam, op: read, range: [0, 1]"),
    ],
    [
      'x.yaml:6:26: document 1: steps[0].domain: no domain "cup"; did you mean "cpu"?',
      step("op: clean, domain: cup, range: [0, 1]"),
    ],
    [
      'x.yaml:6:23: document 1: steps[0].op: "raed" is none of read, write, clean, invalidate, flush; did you mean "read"?',
      step("agent: dma, op: raed, range: [0, 1]"),
    ],
    [
      'x.yaml:6:7: document 1: steps[0].agnet: unknown key; did you mean "agent"?',
      step("agnet: dma, op: read, range: [0, 1]"),
    ],
    [
      'x.yaml:6:18: document 1: steps[0].domian: unknown key; did you mean "domain"?',
      step("op: clean, domian: cpu, range: [0, 1]"),
    ],
    [
      "x.yaml:6:5: document 1: steps[0].op: is missing; one of read, write, clean, invalidate, flush",
      step("agent: dma"),
    ],
    [
      "x.yaml:6:18: document 1: steps[0].agent: unknown key; known: on, op, domain, range",
      step("op: clean, agent: cpu, range: [0, 1]"),
    ],
    [
      "x.yaml:6:36: document 1: steps[0].range: [8, 8) is empty; ranges are half-open",
      step("agent: dma, op: read, range: [8, 8]"),
    ],
    [
      "x.yaml:6:40: document 1: steps[0].range[1]: 4097 is past the end of the buffer of 4096 bytes",
      step("agent: dma, op: read, range: [8, 4097]"),
    ],
    [
      "x.yaml:6:37: document 1: steps[0].range[0]: -1 is less than 0",
      step("agent: dma, op: read, range: [-1, 1]"),
    ],
    [
      "x.yaml:6:37: document 1: steps[0].range[0]: must be a whole number, not 0.5",
      step("agent: dma, op: read, range: [0.5, 1]"),
    ],
    [
      'x.yaml:6:37: document 1: steps[0].range[0]: must be a number, not "a"',
      step("agent: dma, op: read, range: [a, 1]"),
    ],
    [
      "x.yaml:6:36: document 1: steps[0].range: needs at least 2 items",
      step("agent: dma, op: read, range: [0]"),
    ],
    [
      "x.yaml:6:36: document 1: steps[0].range: needs at most 2 items",
      step("agent: dma, op: read, range: [0, 1, 2]"),
    ],
    [
      "x.yaml:6:36: document 1: steps[0].range: must be a list, not 7",
      step("agent: dma, op: read, range: 7"),
    ],
    ["x.yaml:6:5: document 1: steps[0]: must be a mapping, not 3", { write: "  - 3" }],
    ['x.yaml:5:1: document 1: stpes: unknown key; did you mean "steps"?', { steps: "stpes:" }],
    ["x.yaml:1:1: document 1: name: is missing; it must be text", { name: "" }],
    ["x.yaml:1:7: document 1: name: must be text, not 7", { name: "name: 7" }],
    ["x.yaml:1:7: document 1: name: is empty", { name: 'name: ""' }],
    ["x.yaml:1:7: document 1: name: is longer than 200 characters", { name: `name: ${"n".repeat(201)}` }],
    [
      "x.yaml:2:25: document 1: domains.cpu.line: 48 is none of 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096",
      { domains: "domains: { cpu: { line: 48 } }" },
    ],
    [
      'x.yaml:2:19: document 1: domains.cpu.lien: unknown key; did you mean "line"?',
      { domains: "domains: { cpu: { lien: 64 } }" },
    ],
    [
      'x.yaml:2:41: document 1: domains.cpu.speculates: must be true or false, not "no"',
      { domains: "domains: { cpu: { line: 64, speculates: no } }" },
    ],
    [
      'x.yaml:3:25: document 1: agents.cpu.route: "cache" is none of cached, snoop, direct; did you mean "cached"?',
      { agents: "agents: { cpu: { route: cache, domain: cpu } }" },
    ],
    [
      'x.yaml:3:41: document 1: agents.cpu.domain: no domain "gpu"; did you mean "cpu"?',
      { agents: "agents: { cpu: { route: cached, domain: gpu } }" },
    ],
    [
      "x.yaml:3:16: document 1: agents.cpu.domain: is missing; it must be text",
      { agents: "agents: { cpu: { route: cached } }" },
    ],
    [
      'x.yaml:3:53: document 1: agents.acp.writes: "alocate" is none of allocate; did you mean "allocate"?',
      { agents: "agents: { acp: { route: snoop, domain: cpu, writes: alocate } }" },
    ],
    [
      'x.yaml:3:11: document 1: agents[""]: a name must not be empty',
      { agents: 'agents: { "": { route: direct } }' },
    ],
    ["x.yaml:4:17: document 1: buffer.size: 0 is less than 1", { buffer: "buffer: { size: 0 }" }],
    [
      "x.yaml:4:17: document 1: buffer.size: must be a number or text, not Infinity",
      { buffer: "buffer: { size: 1e400 }" },
    ],
    [
      "x.yaml:4:17: document 1: buffer.size: a buffer has at least one byte",
      { buffer: "buffer: { size: 0KiB }" },
    ],
    [
      'x.yaml:4:17: document 1: buffer.size: "8191TiB" is more than 2^52 bytes',
      { buffer: "buffer: { size: 8191TiB }" },
    ],
    [
      'x.yaml:4:17: document 1: buffer.size: "4 MB" is not a size; write bytes or a unit, as in 4096, "64KiB" or "1MiB"',
      { buffer: "buffer: { size: 4 MB }" },
    ],
    [
      'x.yaml:8:11: document 1: expect.stail: unknown key; did you mean "stale"?',
      { expect: "expect: { stail: [] }" },
    ],
    ['x.yaml:8:17: document 1: expect.lost: must be a number, not "no"', { expect: "expect: { lost: no }" }],
    [
      "x.yaml:2:10: document 1: domains: more than 6 domains that are not coherent with each other",
      {
        domains: `domains: { ${Array.from({ length: 7 }, (_, index) => `c${index}: { line: 64 }`).join(", ")} }`,
      },
    ],
  ])("%s", (line, replaced) => {
    expect(refusal(replaced)).toBe(line);
  });

  test("a document is named by its number", () => {
    expect(() => read(`${programText()}---\n${programText({ buffer: "buffer: {}" })}`)).toThrow(
      "x.yaml:13:9: document 2: buffer.size: is missing; it must be a number or text",
    );
    expect(() => read("- 1\n")).toThrow("x.yaml:1:1: document 1: must be a mapping, not a list");
  });
});

/** The program's write runs on `a`, its read on `b`; `fence` stands between them. */
const timed = (...fences: readonly string[]) => ({
  buffer: "buffer: { size: 4096 }\ntimelines: [a, b]",
  write: "  - { on: a, agent: cpu, op: write, range: [0, 4096] }",
  read: [
    ...fences.map((fence) => `  - { ${fence} }`),
    "  - { on: b, agent: dma, op: read, range: [0, 4096] }",
  ].join("\n"),
  expect: "expect: { stale: [], lost: null, races: [[0, 1]] }",
});

describe("a program with timelines", () => {
  test("is read as it is written", () => {
    const [program] = read(programText(timed("on: a, signal: f", "on: b, wait: f")));
    expect(program).toMatchObject({
      timelines: ["a", "b"],
      steps: [
        { on: "a", agent: "cpu", op: "write", range: [0, 4096] },
        { on: "a", signal: "f" },
        { on: "b", wait: "f" },
        { on: "b", agent: "dma", op: "read", range: [0, 4096] },
      ],
      expect: { races: [[0, 1]] },
    });
    expect(read(programText({ buffer: "buffer: { size: 4096 }\ntimelines: [a]" }))).toHaveLength(1);
  });

  test.each<[string, readonly string[]]>([
    ['x.yaml:8:11: document 1: steps[1].on: no timeline "camera"; known: a, b', ["on: camera, signal: f"]],
    [
      'x.yaml:9:22: document 1: steps[2].signal: fence "f" is signalled at step 1 already',
      ["on: a, signal: f", "on: b, signal: f"],
    ],
    [
      'x.yaml:8:20: document 1: steps[1].wait: it stands before the signal of fence "f", which is step 2',
      ["on: b, wait: f", "on: a, signal: f"],
    ],
    ['x.yaml:8:20: document 1: steps[1].wait: it never ends: no step signals fence "f"', ["on: b, wait: f"]],
    ["x.yaml:8:5: document 1: steps[1].on: is missing; it must be text", ["signal: f"]],
    [
      "x.yaml:8:5: document 1: steps[1].on: is missing; all steps name their timeline, or none does",
      ["agent: dma, op: read, range: [0, 1]"],
    ],
    ["x.yaml:8:22: document 1: steps[1].signal: must be text, not 3", ["on: a, signal: 3"]],
    ['x.yaml:8:14: document 1: steps[1].sginal: unknown key; did you mean "signal"?', ["on: a, sginal: f"]],
    [
      "x.yaml:8:25: document 1: steps[1].range: unknown key; known: on, signal",
      ["on: a, signal: f, range: [0, 1]"],
    ],
    [
      "x.yaml:8:25: document 1: steps[1].wait: a step signals a fence or waits for one, not both",
      ["on: a, signal: f, wait: f"],
    ],
  ])("%s", (line, fences) => {
    expect(refusal(timed(...fences))).toBe(line);
  });

  test("has timelines that are declared, once", () => {
    expect(refusal({ ...timed(), buffer: "buffer: { size: 4096 }\ntimelines: [a, b, a]" })).toBe(
      'x.yaml:5:19: document 1: timelines[2]: "a" is named twice',
    );
    expect(refusal({ ...timed(), buffer: "buffer: { size: 4096 }" })).toBe(
      'x.yaml:6:11: document 1: steps[0].on: no timeline "a"',
    );
    expect(refusal({ ...timed(), buffer: `buffer: { size: 4096 }\ntimelines: [${"x,".repeat(257)}]` })).toBe(
      "x.yaml:5:12: document 1: timelines: needs at most 256 items",
    );
  });
});

describe("domains that are not stacked as they say", () => {
  test.each<[string, string]>([
    [
      '1: domains.cpu.behind: no domain "l3"; did you mean "l2"?',
      "{ cpu: { line: 32, behind: l3 }, l2: { line: 32 } }",
    ],
    ["1: domains.cpu.behind: a domain does not lie behind itself", "{ cpu: { line: 32, behind: cpu } }"],
    [
      "1: domains.cpu.behind: the chain cpu -> l2 -> cpu has no end",
      "{ cpu: { line: 32, behind: l2 }, l2: { line: 32, behind: cpu } }",
    ],
    [
      '1: domains.cpu.behind: "l2" has lines of 64 bytes, "cpu" of 32; a stack has lines of one size',
      "{ cpu: { line: 32, behind: l2 }, l2: { line: 64 } }",
    ],
    [
      '1: domains.cpu.exclusive: nothing sits in front of "cpu"; known: l2',
      "{ cpu: { line: 32, behind: l2, exclusive: true }, l2: { line: 32 } }",
    ],
    ["1: domains.cpu.behind: must be text, not 2", "{ cpu: { line: 32, behind: 2 } }"],
  ])("%s", (line, domains) => {
    expect(refusal({ domains: `domains: ${domains}` })).toMatch(/^x\.yaml:2:\d+: document /);
    expect(refusal({ domains: `domains: ${domains}` })?.replace(/^x\.yaml:2:\d+: document /, "")).toBe(line);
  });
});
